package expression

import "github.com/suiro-dev/suiro/internal/dynamodb/attribute"

type legacyCondition struct{}

func (*legacyCondition) eval(attribute.Item) bool { return false }
func (*legacyCondition) names() []string          { return nil }

type legacyUpdate struct{}

func (*legacyUpdate) creates() bool { return false }
func (*legacyUpdate) changes(attribute.Item, bool) ([]change, error) {
	return nil, nil
}
