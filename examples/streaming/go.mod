module streaming

go 1.26

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/coder/websocket v1.8.15
)
