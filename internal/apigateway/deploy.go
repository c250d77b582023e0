package apigateway

import (
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Deploy ends an application of the template: what has changed since the last
// one is served from now on, all at once. A deployment that was made meanwhile
// is the API as it is now, and stays that, as on AWS.
//
// A template whose routes change and that makes no new deployment would on AWS
// change no stage. Whoever edits it here wants to see the edit: its deployments
// are made again, and the difference is said once.
func (s *Service) Deploy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.apis {
		if a.changed && a.websocket() {
			s.deploy(a)
		}
		a.changed, a.edited = false, false
	}
}

// deploy makes an API serve its records. s.mu is held.
func (s *Service) deploy(a *api) {
	now := a.deployment()
	fresh := false
	for id, spec := range a.records[typeDeployment] {
		if a.deployments[id] == nil {
			a.deployments[id] = now
			fresh = true
			s.missed(a, spec)
		}
	}
	d := s.definition(a, now)
	if a.edited && !fresh {
		s.redeploy(a, d, now)
	}
	a.forget()
	a.data.Update(d)
}

// missed tells of routes that a deployment does not depend on. Here it has them
// all the same; CloudFormation may make it first.
func (s *Service) missed(a *api, deployment resource.Spec) {
	var keys []string
	for _, id := range a.inOrder(typeRoute) {
		route := a.records[typeRoute][id]
		if !slices.Contains(deployment.Needs, route.LogicalID) {
			keys = append(keys, route.Properties.Get("RouteKey").TextOr(""))
		}
	}
	if len(keys) > 0 {
		slices.Sort(keys)
		s.notice(deployment.LogicalID, "it does not depend on the routes "+strings.Join(keys, ", ")+
			": AWS may make it before them, and then fails or leaves them out; add DependsOn")
	}
}

// redeploy makes the deployments of a template again that has changed without
// making a new one.
func (s *Service) redeploy(a *api, d *websocketapi.Definition, now *websocketapi.Deployment) {
	for id := range a.deployments {
		a.deployments[id] = now
	}
	var behind []string
	for name, stage := range d.Stages {
		if stage.Deployment != nil {
			stage.Deployment = now
			behind = append(behind, name)
		}
	}
	if len(behind) > 0 {
		slices.Sort(behind)
		s.notice(a.spec.LogicalID, "the routes changed and were deployed again to "+strings.Join(behind, ", ")+
			"; on AWS the stage goes on with the old ones until the template makes a new AWS::ApiGatewayV2::Deployment (another logical id) or the stage has AutoDeploy: true")
	}
}

// forget drops deployments that are no more. One that a stage still names stays
// until the stage has moved on: so does AWS, which refuses to delete it.
func (a *api) forget() {
	named := map[string]bool{}
	for _, spec := range a.records[typeStage] {
		named[spec.Properties.Get("DeploymentId").TextOr("")] = true
	}
	for id := range a.deployments {
		if _, there := a.records[typeDeployment][id]; !there && !named[id] {
			delete(a.deployments, id)
		}
	}
}

// deployedParts are the types whose records a deployment holds. Stages,
// mappings and keys count as they are at any time.
var deployedParts = []string{typeRoute, typeIntegration, typeIntegrationResponse, typeRouteResponse, typeAuthorizer, typeModel}

// deployedProperties are those of the API itself that come with a deployment.
var deployedProperties = []string{"RouteSelectionExpression", "ApiKeySelectionExpression", "DisableExecuteApiEndpoint"}

// touch notes that a record of a type has changed.
func (a *api) touch(recordType string) {
	a.changed = true
	a.edited = a.edited || slices.Contains(deployedParts, recordType)
}

// deploymentOf is what a stage serves; nil is what the API is now. ok is false
// for a stage that is not deployed.
func (a *api) deploymentOf(name string, stage resource.Spec) (d *websocketapi.Deployment, ok bool) {
	if stage.Properties.Get("AutoDeploy").TruthOr(false) {
		return nil, true
	}
	if id := stage.Properties.Get("DeploymentId").TextOr(""); id != "" {
		return a.deployments[id], true
	}
	for _, id := range slices.Backward(a.inOrder(typeDeployment)) {
		if a.records[typeDeployment][id].Properties.Get("StageName").TextOr("") == name {
			return a.deployments[id], true
		}
	}
	return nil, false
}

// deployment is what the API's records add up to.
func (a *api) deployment() *websocketapi.Deployment {
	p := a.spec.Properties
	d := &websocketapi.Deployment{
		Selection:         expression(p.Get("RouteSelectionExpression").TextOr("")),
		Routes:            map[string]*websocketapi.Route{},
		Closed:            p.Get("DisableExecuteApiEndpoint").TruthOr(false),
		KeyFromAuthorizer: p.Get("ApiKeySelectionExpression").TextOr("") == keyFromAuthorizer,
	}
	for _, id := range a.inOrder(typeRoute) {
		r := a.route(id, a.records[typeRoute][id])
		d.Routes[r.Key] = r
	}
	return d
}
