module github.com/suiro-dev/suiro/test/functions/gorpc

go 1.26

require github.com/aws/aws-lambda-go v1.17.0
