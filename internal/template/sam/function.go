package sam

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/document"
)

// functionProperties are the properties of AWS::Serverless::Function.
var functionProperties = strings.Fields(`FunctionName Handler Runtime CodeUri ImageUri PackageType InlineCode
	DeadLetterQueue Description MemorySize Timeout VpcConfig Role AssumeRolePolicyDocument Policies RolePath
	PermissionsBoundary Environment Events Tags PropagateTags Tracing KmsKeyArn DeploymentPreference
	ReservedConcurrentExecutions Layers EventInvokeConfig EphemeralStorage AutoPublishAlias AutoPublishCodeSha256
	AutoPublishAliasAllProperties VersionDescription ProvisionedConcurrencyConfig FileSystemConfigs ImageConfig
	CodeSigningConfigArn Architectures SnapStart FunctionUrlConfig RuntimeManagementConfig LoggingConfig RecursiveLoop
	SourceKMSKeyArn CapacityProviderConfig FunctionScalingConfig VersionDeletionPolicy PublishToLatestPublished
	TenancyConfig DurableConfig`)

// function translates AWS::Serverless::Function.
func (o *owner) function() {
	o.check(functionProperties)
	props := document.Object(o.props.Pos)
	props.Set("Code", o.code())
	o.copy(props, "FunctionName", "Handler", "Runtime", "Description", "MemorySize", "Timeout", "VpcConfig",
		"Environment", "KmsKeyArn", "Layers", "ReservedConcurrentExecutions", "FileSystemConfigs", "ImageConfig",
		"CodeSigningConfigArn", "Architectures", "EphemeralStorage", "SnapStart", "RuntimeManagementConfig",
		"LoggingConfig", "RecursiveLoop", "PackageType", "TenancyConfig", "DurableConfig", "CapacityProviderConfig",
		"FunctionScalingConfig", "PublishToLatestPublished")
	if o.image() {
		props.Set("PackageType", text("Image", o.pos))
	}
	if q := o.props.Get("DeadLetterQueue"); !q.IsNull() {
		props.Set("DeadLetterConfig", object(q.Pos, "TargetArn", q.Get("TargetArn")))
	}
	if mode := o.props.Get("Tracing"); !mode.IsNull() && mode.TextOr("") != "Disabled" {
		props.Set("TracingConfig", object(mode.Pos, "Mode", mode))
	}
	props.Set("Tags", o.tags("lambda:createdBy"))

	f := &function{owner: o}
	f.role(props)
	o.main("AWS::Lambda::Function", props)
	f.publish(props.Get("Code"))
	f.url()
	f.eventInvoke()
	f.events()
	f.finishRole()
	if p := o.props.Get("DeploymentPreference"); !p.IsNull() {
		o.t.msgs.Add(noteDeployment(p, o.key("DeploymentPreference")))
	}
}

// function is a function while its events add permissions to its role.
type function struct {
	*owner
	alias   string // logical id of the alias of AutoPublishAlias, or ""
	aliasOf string // the alias's name
	made    *role  // nil when Role is given
}

// name is what FunctionName properties take: the alias when there is one.
func (f *function) name() *document.Node {
	if f.alias != "" {
		return ref(f.alias, f.pos)
	}
	return ref(f.id, f.pos)
}

// arn is the ARN of the function or its alias.
func (f *function) arn() *document.Node {
	if f.alias != "" {
		return ref(f.alias, f.pos)
	}
	return getAtt(f.id, "Arn", f.pos)
}

// arnVariable is the ARN as a variable of Fn::Sub.
func (f *function) arnVariable() string {
	if f.alias != "" {
		return "${" + f.alias + "}"
	}
	return "${" + f.id + ".Arn}"
}

// image tells whether the function is a container image.
func (o *owner) image() bool {
	return o.props.Get("PackageType").TextOr("") == "Image" || !o.props.Get("ImageUri").IsNull()
}

// code is the Code property of the function: a text for a local path, an
// object for S3, inline code and images.
func (o *owner) code() *document.Node {
	inline, uri := o.props.Get("InlineCode"), o.props.Get("CodeUri")
	switch {
	case o.image():
		return o.imageCode()
	case !inline.IsNull():
		return object(inline.Pos, "ZipFile", inline)
	case uri.IsNull():
		// `sam build` and `sam package` take the template's folder.
		return text(".", o.pos)
	}
	return o.location(uri, "CodeUri")
}

// imageCode is the image of a function. `sam build` makes the image that
// Metadata describes, so that no URI is needed then.
func (o *owner) imageCode() *document.Node {
	if uri := o.props.Get("ImageUri"); !uri.IsNull() {
		return object(uri.Pos, "ImageUri", uri)
	}
	meta := o.node.Get("Metadata")
	if meta.Get("Dockerfile").IsNull() && meta.Get("DockerContext").IsNull() {
		o.errorf(nil, "ImageUri", "the function is an image and names none").
			WithHint("add ImageUri, or Metadata with Dockerfile and DockerContext")
	}
	// The name `sam build` gives to the image it builds.
	tag := meta.Get("DockerTag").TextOr("latest")
	return object(o.pos, "ImageUri", text(strings.ToLower(o.id)+":"+tag, o.pos))
}

// location reads CodeUri and ContentUri: s3://bucket/key and {Bucket, Key,
// Version} become the object CloudFormation takes, a path stays a text.
func (o *owner) location(uri *document.Node, path string) *document.Node {
	if s, ok := uri.Scalar(); ok {
		rest, inS3 := strings.CutPrefix(s, "s3://")
		if !inS3 {
			return text(s, uri.Pos)
		}
		bucket, key, _ := strings.Cut(rest, "/")
		key, version, versioned := strings.Cut(key, "?versionId=")
		n := object(uri.Pos, "S3Bucket", text(bucket, uri.Pos)).Set("S3Key", text(key, uri.Pos))
		if versioned {
			n.Set("S3ObjectVersion", text(version, uri.Pos))
		}
		return n
	}
	if v := o.t.parameter(uri); v.IsScalar() {
		return o.location(v, path)
	}
	if intrinsic(uri) {
		return uri
	}
	if uri.Get("Bucket").IsNull() || uri.Get("Key").IsNull() {
		o.errorf(uri, path, "the location is a path, an s3:// address, or an object with Bucket and Key")
		return text(".", uri.Pos)
	}
	n := object(uri.Pos, "S3Bucket", uri.Get("Bucket")).Set("S3Key", uri.Get("Key"))
	return n.Set("S3ObjectVersion", uri.Get("Version"))
}
