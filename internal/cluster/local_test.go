package cluster_test

import (
	"testing"

	"github.com/suiro-dev/suiro/internal/cluster"
	"github.com/suiro-dev/suiro/internal/cluster/clustertest"
)

func TestLocal(t *testing.T) {
	clustertest.Run(t, func(*testing.T) cluster.Connections { return cluster.NewLocal() })
}
