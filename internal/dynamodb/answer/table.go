package answer

import (
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// Table is a TableDescription.
type Table struct {
	Account    Account
	Definition *table.Definition
	Status     string
	Counts     table.Counts
}

// Append appends its members.
func (s *Table) Append(dst []byte) []byte {
	d := s.Definition
	dst = jsonwrite.Text(dst, "TableName", d.Name)
	dst = jsonwrite.Text(dst, "TableStatus", s.Status)
	dst = jsonwrite.Text(dst, "TableArn", s.Account.Table(d.Name))
	dst = jsonwrite.Text(dst, "TableId", d.ID)
	dst = jsonwrite.Int(dst, "ItemCount", s.Counts.Table.Items)
	dst = jsonwrite.Int(dst, "TableSizeBytes", s.Counts.Table.Bytes)
	dst = s.appendThroughput(dst, d.Throughput)
	if d.OnDemand || !d.OnDemandSince.IsZero() { // once on demand, a table tells its mode for good
		dst = jsonwrite.Text(jsonwrite.Object(dst, "BillingModeSummary"), "BillingMode", map[bool]string{false: "PROVISIONED", true: "PAY_PER_REQUEST"}[d.OnDemand])
		if s.Status != "CREATING" {
			dst = Time(dst, "LastUpdateToPayPerRequestDateTime", d.OnDemandSince)
		}
		dst = append(dst, '}')
	}
	dst = jsonwrite.Bool(dst, "DeletionProtectionEnabled", d.DeletionProtection)
	if s.Status == "DELETING" {
		return dst // what the table was like is left out by then
	}
	dst = Time(dst, "CreationDateTime", d.Created)
	dst = s.appendKeys(dst)
	dst = s.appendIndexes(dst, "LocalSecondaryIndexes", true)
	dst = s.appendIndexes(dst, "GlobalSecondaryIndexes", false)
	dst = appendOnDemand(dst, d.OnDemandThroughput)
	if d.TableClass != "" {
		dst = append(jsonwrite.Text(jsonwrite.Object(dst, "TableClassSummary"), "TableClass", d.TableClass), '}')
	}
	if s.Status != "CREATING" {
		dst = s.appendWarmth(dst, d.Throughput)
	}
	if d.EncryptionKey != "" {
		dst = jsonwrite.Text(jsonwrite.Object(dst, "SSEDescription"), "Status", "ENABLED")
		dst = append(jsonwrite.Text(jsonwrite.Text(dst, "SSEType", "KMS"), "KMSMasterKeyArn", d.EncryptionKey), '}')
	}
	return s.appendStream(dst)
}

func (s *Table) appendThroughput(dst []byte, t table.Throughput) []byte {
	dst = jsonwrite.Int(jsonwrite.Object(dst, "ProvisionedThroughput"), "NumberOfDecreasesToday", 0)
	dst = jsonwrite.Int(dst, "ReadCapacityUnits", t.Read)
	return append(jsonwrite.Int(dst, "WriteCapacityUnits", t.Write), '}')
}

// appendWarmth appends what a table bears at once; on-demand tables begin with
// 4,000 writes and 12,000 reads.
func (s *Table) appendWarmth(dst []byte, t table.Throughput) []byte {
	if s.Definition.OnDemand {
		t = table.Throughput{Read: 12000, Write: 4000}
	}
	dst = jsonwrite.Int(jsonwrite.Object(dst, "WarmThroughput"), "ReadUnitsPerSecond", t.Read)
	dst = jsonwrite.Int(dst, "WriteUnitsPerSecond", t.Write)
	return append(jsonwrite.Text(dst, "Status", "ACTIVE"), '}')
}

func appendOnDemand(dst []byte, t *table.OnDemandThroughput) []byte {
	if t == nil {
		return dst
	}
	dst = jsonwrite.Int(jsonwrite.Object(dst, "OnDemandThroughput"), "MaxReadRequestUnits", t.Read)
	return append(jsonwrite.Int(dst, "MaxWriteRequestUnits", t.Write), '}')
}

func (s *Table) appendKeys(dst []byte) []byte {
	dst = jsonwrite.List(dst, "AttributeDefinitions")
	for _, a := range s.Definition.Attributes {
		dst = jsonwrite.Text(append(jsonwrite.Comma(dst), '{'), "AttributeName", a.Name)
		dst = append(jsonwrite.Text(dst, "AttributeType", a.Type), '}')
	}
	return KeySchema(append(dst, ']'), s.Definition.Key)
}

// KeySchema appends a KeySchema.
func KeySchema(dst []byte, k table.KeySchema) []byte {
	dst = jsonwrite.List(dst, "KeySchema")
	for i, names := range [2][]string{k.Hash, k.Range} {
		for _, name := range names {
			dst = jsonwrite.Text(append(jsonwrite.Comma(dst), '{'), "AttributeName", name)
			dst = append(jsonwrite.Text(dst, "KeyType", [2]string{"HASH", "RANGE"}[i]), '}')
		}
	}
	return append(dst, ']')
}

func (s *Table) appendIndexes(dst []byte, name string, local bool) []byte {
	if !slices.ContainsFunc(s.Definition.Indexes, func(x table.Index) bool { return x.Local == local }) {
		return dst
	}
	dst = jsonwrite.List(dst, name)
	for _, x := range s.Definition.Indexes {
		if x.Local == local {
			dst = append(s.appendIndex(append(jsonwrite.Comma(dst), '{'), x), '}')
		}
	}
	return append(dst, ']')
}

func (s *Table) appendIndex(dst []byte, x table.Index) []byte {
	dst = jsonwrite.Text(dst, "IndexName", x.Name)
	dst = jsonwrite.Text(dst, "IndexArn", s.Account.Index(s.Definition.Name, x.Name))
	dst = jsonwrite.Int(dst, "ItemCount", s.Counts.Indexes[x.Number].Items)
	dst = jsonwrite.Int(dst, "IndexSizeBytes", s.Counts.Indexes[x.Number].Bytes)
	dst = KeySchema(dst, x.Key)
	dst = jsonwrite.Text(jsonwrite.Object(dst, "Projection"), "ProjectionType", x.Projection)
	if len(x.Included) > 0 {
		dst = jsonwrite.Texts(dst, "NonKeyAttributes", x.Included)
	}
	dst = append(dst, '}')
	if x.Local {
		return dst
	}
	status := x.Status
	if s.Status == "CREATING" {
		status = s.Status
	}
	dst = jsonwrite.Text(dst, "IndexStatus", status)
	if x.Status == table.StatusCreating {
		dst = jsonwrite.Bool(dst, "Backfilling", true)
	}
	dst = s.appendThroughput(dst, x.Throughput)
	dst = appendOnDemand(dst, x.OnDemandThroughput)
	if s.Status != "CREATING" {
		dst = s.appendWarmth(dst, x.Throughput)
	}
	return dst
}

func (s *Table) appendStream(dst []byte) []byte {
	if s.Definition.StreamViewType != "" {
		dst = jsonwrite.Bool(jsonwrite.Object(dst, "StreamSpecification"), "StreamEnabled", true)
		dst = append(jsonwrite.Text(dst, "StreamViewType", s.Definition.StreamViewType), '}')
	}
	if s.Definition.StreamLabel != "" {
		dst = jsonwrite.Text(dst, "LatestStreamLabel", s.Definition.StreamLabel)
		dst = jsonwrite.Text(dst, "LatestStreamArn", s.Account.Stream(s.Definition.Name, s.Definition.StreamLabel))
	}
	return dst
}
