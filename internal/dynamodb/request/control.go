package request

import (
	"fmt"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// UpdateTimeToLive is the input of UpdateTimeToLive.
type UpdateTimeToLive struct {
	TableName *string
	Enabled   *bool
	Attribute *string
	given     bool
}

// ReadUpdateTimeToLive reads the input of UpdateTimeToLive.
func ReadUpdateTimeToLive(body *attribute.Reader) *UpdateTimeToLive {
	r, q := reader{body}, &UpdateTimeToLive{}
	for name := range r.Struct("UpdateTimeToLiveInput") {
		switch name {
		case "TableName":
			q.TableName = r.table()
		case "TimeToLiveSpecification":
			q.given = true
			for member := range r.Struct("TimeToLiveSpecification") {
				switch member {
				case "Enabled":
					q.Enabled = r.truth()
				case "AttributeName":
					q.Attribute = r.text()
				}
			}
		}
	}
	return q
}

// Check checks the request's members.
func (q *UpdateTimeToLive) Check() error {
	c := constraints{layer: attribute.Old}
	c.required("tableName", q.TableName != nil)
	c.name("tableName", q.TableName, 1)
	c.required("timeToLiveSpecification", q.given)
	if q.given {
		c.required("timeToLiveSpecification.enabled", q.Enabled != nil)
		c.required("timeToLiveSpecification.attributeName", q.Attribute != nil)
		c.length("timeToLiveSpecification.attributeName", q.Attribute, 1, 255)
	}
	return c.err()
}

// Tagging is the input of TagResource, UntagResource and ListTagsOfResource.
type Tagging struct {
	ARN             *string
	Tags            []Tag
	Keys            []string
	Token           *string
	hasTags, hasKey bool
}

// ReadTagging reads the input of either operation.
func ReadTagging(body *attribute.Reader) *Tagging {
	r, q := reader{body}, &Tagging{}
	for name := range r.Struct("TagResourceInput") {
		switch name {
		case "ResourceArn":
			q.ARN = r.text()
		case "Tags":
			q.Tags, q.hasTags = r.tags(), true
		case "TagKeys":
			q.Keys, q.hasKey = r.texts(), true
		case "NextToken":
			q.Token = r.text()
		}
	}
	return q
}

// CheckTags checks tags to be set.
func (q *Tagging) CheckTags() error {
	c := constraints{layer: attribute.Old}
	c.required("tags", q.hasTags)
	checkTags(&c, q.Tags)
	return c.err()
}

func checkTags(c *constraints, tags []Tag) {
	for i, t := range tags {
		path := fmt.Sprintf("tags.%d.member.", i+1)
		c.required(path+"key", t.Key != nil)
		c.length(path+"key", t.Key, 1, 128)
		c.pattern(path+"key", t.Key, validTag, tagPattern)
		c.required(path+"value", t.Value != nil)
		c.length(path+"value", t.Value, 0, 256)
		c.pattern(path+"value", t.Value, validTag, tagPattern)
	}
}

// CheckKeys checks names of tags to be removed.
func (q *Tagging) CheckKeys() error {
	c := constraints{layer: attribute.Old}
	c.required("tagKeys", q.hasKey)
	return c.err()
}

// Recovery is the input of UpdateContinuousBackups.
type Recovery struct {
	TableName *string
	Enabled   *bool
	given     bool
}

// ReadRecovery reads the input of UpdateContinuousBackups.
func ReadRecovery(body *attribute.Reader) *Recovery {
	r, q := reader{body}, &Recovery{}
	for name := range r.Struct("UpdateContinuousBackupsInput") {
		switch name {
		case "TableName":
			q.TableName = r.table()
		case "PointInTimeRecoverySpecification":
			q.given = true
			for member := range r.Struct("PointInTimeRecoverySpecification") {
				if member == "PointInTimeRecoveryEnabled" {
					q.Enabled = r.truth()
				}
			}
		}
	}
	return q
}

// Check checks the request's members.
func (q *Recovery) Check() error {
	c := constraints{layer: attribute.Old}
	c.required("tableName", q.TableName != nil)
	c.name("tableName", q.TableName, 1)
	c.required("pointInTimeRecoverySpecification", q.given)
	if q.given {
		c.required("pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled", q.Enabled != nil)
	}
	return c.err()
}
