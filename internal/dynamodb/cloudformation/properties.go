package cloudformation

import (
	"strconv"

	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Reasons for properties without an effect.
const (
	whyMetrics   = "there are no CloudWatch metrics here"
	whyPolicies  = "resource policies of tables are not evaluated"
	whyKinesis   = "changes are not sent to Kinesis"
	whyImport    = "the table starts empty: nothing is imported from S3"
	whyThrottle  = "capacity is not limited here"
	whyReplicas  = "there is one region here; replicas in others are not made"
	whyBackups   = "there are no backups here; the data folder can be copied"
	whyEncrypted = "tables are not encrypted on disk"
)

var (
	served   = resource.Property{}
	required = resource.Property{Required: true}
)

func accepted(why string) resource.Property {
	return resource.Property{Support: resource.Accepted, Why: why}
}

func missing(why string) resource.Property {
	return resource.Property{Support: resource.Missing, Why: why}
}

var tableSchema = resource.Schema{
	"AttributeDefinitions":                                    served,
	"AttributeDefinitions.AttributeName":                      served,
	"AttributeDefinitions.AttributeType":                      served,
	"BillingMode":                                             served,
	"ContributorInsightsSpecification":                        accepted(whyMetrics),
	"DeletionProtectionEnabled":                               served,
	"GlobalSecondaryIndexes":                                  served,
	"GlobalSecondaryIndexes.ContributorInsightsSpecification": accepted(whyMetrics),
	"GlobalSecondaryIndexes.IndexName":                        served,
	"GlobalSecondaryIndexes.KeySchema":                        served,
	"GlobalSecondaryIndexes.OnDemandThroughput":               accepted(whyThrottle),
	"GlobalSecondaryIndexes.Projection":                       served,
	"GlobalSecondaryIndexes.Projection.NonKeyAttributes":      served,
	"GlobalSecondaryIndexes.Projection.ProjectionType":        served,
	"GlobalSecondaryIndexes.ProvisionedThroughput":            served,
	"GlobalSecondaryIndexes.WarmThroughput":                   accepted(whyThrottle),
	"ImportSourceSpecification":                               missing(whyImport),
	"KeySchema":                                               required,
	"KeySchema.AttributeName":                                 served,
	"KeySchema.KeyType":                                       served,
	"KinesisStreamSpecification":                              missing(whyKinesis),
	"LocalSecondaryIndexes":                                   served,
	"LocalSecondaryIndexes.IndexName":                         served,
	"LocalSecondaryIndexes.KeySchema":                         served,
	"LocalSecondaryIndexes.Projection":                        served,
	"LocalSecondaryIndexes.Projection.NonKeyAttributes":       served,
	"LocalSecondaryIndexes.Projection.ProjectionType":         served,
	"OnDemandThroughput":                                      accepted(whyThrottle),
	"PointInTimeRecoverySpecification":                        accepted(whyBackups),
	"ProvisionedThroughput":                                   served, // shown, not enforced
	"ResourcePolicy":                                          accepted(whyPolicies),
	"SSESpecification":                                        accepted(whyEncrypted),
	"StreamSpecification":                                     served,
	"StreamSpecification.ResourcePolicy":                      accepted(whyPolicies),
	"StreamSpecification.StreamViewType":                      served,
	"TableClass":                                              served,
	"TableName":                                               served,
	"Tags":                                                    served,
	"TimeToLiveSpecification":                                 served,
	"TimeToLiveSpecification.AttributeName":                   served,
	"TimeToLiveSpecification.Enabled":                         served,
	"WarmThroughput":                                          accepted(whyThrottle),
}

var globalTableSchema = resource.Schema{
	"AttributeDefinitions":                                      served,
	"AttributeDefinitions.AttributeName":                        served,
	"AttributeDefinitions.AttributeType":                        served,
	"BillingMode":                                               served,
	"GlobalSecondaryIndexes":                                    served,
	"GlobalSecondaryIndexes.IndexName":                          served,
	"GlobalSecondaryIndexes.KeySchema":                          served,
	"GlobalSecondaryIndexes.Projection":                         served,
	"GlobalSecondaryIndexes.Projection.NonKeyAttributes":        served,
	"GlobalSecondaryIndexes.Projection.ProjectionType":          served,
	"GlobalSecondaryIndexes.WarmThroughput":                     accepted(whyThrottle),
	"GlobalSecondaryIndexes.WriteOnDemandThroughputSettings":    accepted(whyThrottle),
	"GlobalSecondaryIndexes.WriteProvisionedThroughputSettings": accepted(whyThrottle),
	"GlobalSecondaryIndexes.ReadOnDemandThroughputSettings":     accepted(whyThrottle),
	"GlobalSecondaryIndexes.ReadProvisionedThroughputSettings":  accepted(whyThrottle),
	"GlobalTableWitnesses":                                      accepted(whyReplicas),
	"KeySchema":                                                 required,
	"KeySchema.AttributeName":                                   served,
	"KeySchema.KeyType":                                         served,
	"LocalSecondaryIndexes":                                     served,
	"LocalSecondaryIndexes.IndexName":                           served,
	"LocalSecondaryIndexes.KeySchema":                           served,
	"LocalSecondaryIndexes.Projection":                          served,
	"LocalSecondaryIndexes.Projection.NonKeyAttributes":         served,
	"LocalSecondaryIndexes.Projection.ProjectionType":           served,
	"MultiRegionConsistency":                                    accepted(whyReplicas),
	"Replicas":                                                  required, // see ownReplica
	"SSESpecification":                                          accepted(whyEncrypted),
	"StreamSpecification":                                       served,
	"StreamSpecification.StreamViewType":                        served,
	"TableName":                                                 served,
	"TimeToLiveSpecification":                                   served,
	"TimeToLiveSpecification.AttributeName":                     served,
	"TimeToLiveSpecification.Enabled":                           served,
	"WarmThroughput":                                            accepted(whyThrottle),
	"WriteOnDemandThroughputSettings":                           accepted(whyThrottle),
	"WriteProvisionedThroughputSettings":                        accepted(whyThrottle),
	"ReadOnDemandThroughputSettings":                            accepted(whyThrottle),
	"ReadProvisionedThroughputSettings":                         accepted(whyThrottle),
}

// appendProperties appends a table's properties as the input of CreateTable:
// nearly all are called the same there.
func appendProperties(dst []byte, p *document.Node) []byte {
	for _, name := range []string{
		"AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes", "BillingMode",
		"ProvisionedThroughput", "OnDemandThroughput", "TableClass", "DeletionProtectionEnabled", "Tags",
	} {
		value := p.Get(name)
		if value.IsNull() || value.Kind == document.List && len(value.Items) == 0 {
			continue
		}
		dst = appendNode(jsonwrite.Member(dst, name), name, value)
	}
	if stream := p.Get("StreamSpecification"); !stream.IsNull() {
		dst = jsonwrite.Bool(jsonwrite.Object(dst, "StreamSpecification"), "StreamEnabled", true)
		if view := stream.Get("StreamViewType"); !view.IsNull() {
			dst = jsonwrite.Text(dst, "StreamViewType", view.TextOr(""))
		}
		dst = append(dst, '}')
	}
	if e := p.Get("SSESpecification"); e.Get("SSEEnabled").TruthOr(false) && e.Get("KMSMasterKeyId") != nil {
		dst = jsonwrite.Bool(jsonwrite.Object(dst, "SSESpecification"), "Enabled", true)
		dst = append(jsonwrite.Text(dst, "KMSMasterKeyId", e.Get("KMSMasterKeyId").TextOr("")), '}')
	}
	return dst
}

// appendNode writes a value with the JSON type that the API wants of a member,
// however the template wrote it.
func appendNode(dst []byte, name string, n *document.Node) []byte {
	switch {
	case n.Kind == document.Map:
		dst = append(dst, '{')
		for _, m := range n.Members {
			if !m.Value.IsNull() {
				dst = appendNode(jsonwrite.Member(dst, m.Key), m.Key, m.Value)
			}
		}
		return append(dst, '}')
	case n.Kind == document.List:
		dst = append(dst, '[')
		for _, it := range n.Items {
			dst = appendNode(jsonwrite.Comma(dst), name, it)
		}
		return append(dst, ']')
	}
	switch name {
	case "ReadCapacityUnits", "WriteCapacityUnits", "MaxReadRequestUnits", "MaxWriteRequestUnits":
		return strconv.AppendInt(dst, int64(n.IntegerOr(0)), 10)
	case "DeletionProtectionEnabled":
		return strconv.AppendBool(dst, n.TruthOr(false))
	}
	return jsonwrite.String(dst, n.TextOr(""))
}

// ownReplica is a GlobalTable as the Table it is in this region: the replica's
// settings count for the table.
func (h *Handler) ownReplica(spec resource.Spec) *document.Node {
	p := spec.Properties.Clone()
	replicas := items(p.Get("Replicas"))
	var own *document.Node
	for _, r := range replicas {
		if own == nil || r.Get("Region").TextOr("") == spec.Stack.Region {
			own = r
		}
	}
	for _, name := range []string{"DeletionProtectionEnabled", "TableClass", "Tags", "PointInTimeRecoverySpecification"} {
		p.Set(name, own.Get(name))
	}
	if p.Get("BillingMode").TextOr("") == "PAY_PER_REQUEST" {
		return p
	}
	// Capacity of global tables scales by itself; the least of it is shown.
	p.Set("ProvisionedThroughput", leastCapacity(p, p.Get("WriteProvisionedThroughputSettings"), own.Get("ReadProvisionedThroughputSettings")))
	for _, x := range items(p.Get("GlobalSecondaryIndexes")) {
		x.Set("ProvisionedThroughput", leastCapacity(x, x.Get("WriteProvisionedThroughputSettings"), nil))
	}
	return p
}

func leastCapacity(at, write, read *document.Node) *document.Node {
	least := func(settings *document.Node, fixed, scaling string) *document.Node {
		if n, ok := settings.Get(fixed).Integer(); ok {
			return document.Int(n, at.Pos)
		}
		return document.Int(settings.Get(scaling).Get("MinCapacity").IntegerOr(1), at.Pos)
	}
	return document.Object(at.Pos).
		Set("ReadCapacityUnits", least(read, "ReadCapacityUnits", "ReadCapacityAutoScalingSettings")).
		Set("WriteCapacityUnits", least(write, "WriteCapacityUnits", "WriteCapacityAutoScalingSettings"))
}
