package request

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
)

// Check makes every check of UpdateTable that needs no table.
func (q *UpdateTable) Check() error {
	op := message.UpdateTable
	if err := q.constraints(); err != nil {
		return err
	}
	others := q.Billing != nil || q.Throughput != nil || q.OnDemand != nil || q.Stream != nil || q.Encryption != nil ||
		q.TableClass != nil || q.DeletionProtection != nil || q.hasReplicas
	switch {
	case !others && len(q.Indexes) == 0:
		return op.Refuse(message.NothingToUpdate)
	case q.Indexes != nil && len(q.Indexes) == 0:
		return op.Refuse(message.IndexUpdatesEmpty)
	}
	if err := q.Throughput.check(op); err != nil {
		return err
	}
	if err := q.checkIndexUpdates(); err != nil {
		return err
	}
	if s := q.Stream; s != nil {
		switch {
		case *s.Enabled && s.View == nil:
			return op.Refuse(message.StreamWithoutView)
		case !*s.Enabled && s.View != nil:
			return op.Refuse(message.StreamDisableWithView)
		}
	}
	return nil
}

func (q *UpdateTable) constraints() error {
	c := constraints{layer: attribute.Old}
	c.required("tableName", q.TableName != nil)
	c.name("tableName", q.TableName, 1)
	c.enum("billingMode", q.Billing, enumBilling)
	c.throughput("provisionedThroughput", q.Throughput)
	c.definitions(q.Attributes)
	for i, u := range q.Indexes {
		path := fmt.Sprintf("globalSecondaryIndexUpdates.%d.member.", i+1)
		if u.Create != nil {
			c.index(path+"create.", u.Create, 8)
		}
		if u.Update != nil {
			c.required(path+"update.indexName", u.Update.Name != nil)
			c.name(path+"update.indexName", u.Update.Name, 3)
			c.throughput(path+"update.provisionedThroughput", u.Update.Throughput)
		}
		if u.Delete != nil {
			c.required(path+"delete.indexName", u.Delete.Name != nil)
			c.name(path+"delete.indexName", u.Delete.Name, 3)
		}
	}
	if q.Stream != nil {
		c.required("streamSpecification.streamEnabled", q.Stream.Enabled != nil)
		c.enum("streamSpecification.streamViewType", q.Stream.View, enumView)
	}
	c.enum("tableClass", q.TableClass, enumClass)
	return c.err()
}

func (q *UpdateTable) checkIndexUpdates() error {
	op := message.UpdateTable
	seen, online := map[string]bool{}, 0
	for _, u := range q.Indexes {
		var name *string
		given := 0
		for _, x := range []*Index{u.Create, u.Update, u.Delete} {
			if x != nil {
				given++
				name = x.Name
			}
		}
		switch {
		case given == 0:
			return op.Refuse(message.IndexUpdateEmpty)
		case given > 1:
			return op.Refuse(message.IndexUpdateTwoActions)
		case seen[*name]:
			return op.Refuse(message.IndexUpdateTwice, *name)
		}
		seen[*name] = true
		if u.Update == nil {
			online++
		}
	}
	if online > 1 {
		return op.Refuse(message.OneOnlineIndex)
	}
	return nil
}

// Apply changes a definition as the request asks, or says why it cannot.
func (q *UpdateTable) Apply(d *table.Definition) error {
	for _, apply := range []func(*table.Definition) error{q.applyBilling, q.applyIndexes, q.applyStream} {
		if err := apply(d); err != nil {
			return err
		}
	}
	if q.OnDemand != nil {
		d.OnDemandThroughput = q.OnDemand.value()
	}
	if q.TableClass != nil {
		d.TableClass = *q.TableClass
	}
	if q.DeletionProtection != nil {
		d.DeletionProtection = *q.DeletionProtection
	}
	if e := q.Encryption; e != nil {
		d.EncryptionKey = ""
		if value(e.Enabled) {
			d.EncryptionKey = value(e.KeyID)
		}
	}
	return nil
}

func (q *UpdateTable) applyBilling(d *table.Definition) error {
	op := message.UpdateTable
	mode := value(q.Billing)
	switch {
	case mode == payPerRequest && q.Throughput != nil, mode == "" && d.OnDemand && q.Throughput != nil:
		return op.Refuse(message.TableThroughputOnDemand)
	case mode == payPerRequest:
		if !d.OnDemand {
			d.OnDemand, d.OnDemandSince, d.Throughput = true, time.Now(), table.Throughput{}
			for i := range d.Indexes {
				d.Indexes[i].Throughput = table.Throughput{}
			}
		}
		return nil
	case mode != "" && q.Throughput == nil && d.OnDemand:
		return op.Refuse(message.ToProvisionedWithout)
	case q.Throughput == nil:
		return nil
	case !d.OnDemand && d.Throughput == q.Throughput.value():
		return op.Refuse(message.SameThroughput, d.Throughput.Read, d.Throughput.Write)
	}
	if d.OnDemand {
		if missing := q.withoutThroughput(d); len(missing) > 0 {
			return op.Refuse(message.ToProvisionedIndexWithout, strings.Join(missing, ","))
		}
	}
	d.OnDemand, d.Throughput = false, q.Throughput.value()
	return nil
}

// withoutThroughput lists the global indexes that an on-demand table's change
// to provisioned capacity leaves out.
func (q *UpdateTable) withoutThroughput(d *table.Definition) (missing []string) {
	for _, x := range d.Indexes {
		given := slices.ContainsFunc(q.Indexes, func(u IndexUpdate) bool {
			return u.Update != nil && *u.Update.Name == x.Name && u.Update.Throughput != nil ||
				u.Delete != nil && *u.Delete.Name == x.Name
		})
		if !x.Local && !given {
			missing = append(missing, x.Name)
		}
	}
	return missing
}

func (q *UpdateTable) applyIndexes(d *table.Definition) error {
	for _, u := range q.Indexes {
		var err error
		switch {
		case u.Create != nil:
			err = q.createIndex(d, u.Create)
		case u.Update != nil:
			err = updateIndex(d, u.Update)
		default:
			err = deleteIndex(d, u.Delete)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (q *UpdateTable) createIndex(d *table.Definition, x *Index) error {
	op := message.UpdateTable
	if d.Index(*x.Name) != nil {
		return op.Refuse(message.IndexExists)
	}
	if len(q.Attributes) == 0 {
		return op.Refuse(message.IndexWithoutDefinitions, *x.Name)
	}
	err := firstError(checkDefined(x.Key, q.Attributes), checkGlobalKey(x.Key), x.Projection.check(),
		x.checkThroughput(op, d.OnDemand), x.Throughput.check(op))
	if err != nil {
		return err
	}
	globals := 0
	for _, other := range d.Indexes {
		if !other.Local {
			globals++
		}
	}
	if globals >= maxGlobal {
		return op.Refuse(message.TooManyGlobal)
	}
	for _, a := range attributeTypes(q.Attributes) {
		// Definitions that the new index does not use are ignored.
		if !keySchema(x.Key).Has(a.Name) {
			continue
		}
		switch known := d.TypeOf(a.Name); {
		case known == attribute.None:
			d.Attributes = append(d.Attributes, a)
		case known.String() != a.Type:
			return op.Refuse(message.AttributeRedefined, a.Name+" "+known.String(), a.Name+" "+a.Type)
		}
	}
	slices.SortFunc(d.Attributes, func(a, b table.AttributeType) int { return strings.Compare(a.Name, b.Name) })
	d.Indexes = append(d.Indexes, x.definition(false))
	return nil
}

func updateIndex(d *table.Definition, x *Index) error {
	op := message.UpdateTable
	known := d.Index(*x.Name)
	switch {
	case known == nil:
		return op.Refuse(message.NoNamedIndex, *x.Name, d.Name)
	case known.Local:
		return op.Refuse(message.NotGlobalUpdate, *x.Name)
	case d.OnDemand && x.Throughput != nil:
		return op.Refuse(message.IndexThroughputOnDemand, *x.Name)
	}
	if x.Throughput != nil {
		known.Throughput = x.Throughput.value()
	}
	if x.OnDemand != nil {
		known.OnDemandThroughput = x.OnDemand.value()
	}
	return nil
}

func deleteIndex(d *table.Definition, x *Index) error {
	op := message.UpdateTable
	known := d.Index(*x.Name)
	switch {
	case known == nil || known.Status == table.StatusDeleting:
		return op.Refuse(message.NoNamedIndex, *x.Name, d.Name)
	case known.Local:
		return op.Refuse(message.NotGlobalDelete, *x.Name)
	}
	known.Status = table.StatusDeleting
	// Definitions that only this index used go with it.
	d.Attributes = slices.DeleteFunc(d.Attributes, func(a table.AttributeType) bool {
		return !d.Key.Has(a.Name) && !slices.ContainsFunc(d.Indexes, func(y table.Index) bool {
			return y.Name != known.Name && y.Key.Has(a.Name)
		})
	})
	return nil
}

func (q *UpdateTable) applyStream(d *table.Definition) error {
	op := message.UpdateTable
	switch s := q.Stream; {
	case s == nil:
	case *s.Enabled && d.StreamViewType != "":
		return op.Refuse(message.StreamEnabledAlready, d.Name)
	case *s.Enabled:
		d.StreamViewType = *s.View
	case d.StreamViewType == "":
		return op.Refuse(message.StreamNotEnabled, d.Name)
	default:
		d.StreamViewType = ""
	}
	return nil
}
