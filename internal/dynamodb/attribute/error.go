package attribute

// The two codes this package reports.
const (
	// ValidationException: the JSON had the right shape, the value is not one
	// that DynamoDB takes.
	ValidationException = "ValidationException"
	// SerializationException: the JSON itself, or the type of a member, is
	// wrong. These are found before anything is validated.
	SerializationException = "SerializationException"
)

// Error is a refusal in DynamoDB's words.
type Error struct {
	Code    string
	Message string
	// Attribute is the top-level name under which a bad value was found, if
	// one was: callers that report values by name add it to the message.
	Attribute string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Invalid makes a ValidationException.
func Invalid(message string) *Error {
	return &Error{Code: ValidationException, Message: message}
}

// InvalidParameter makes a ValidationException with the words that DynamoDB
// puts in front of most complaints about values.
func InvalidParameter(message string) *Error {
	return Invalid("One or more parameter values were invalid: " + message)
}

func serialization(message string) *Error {
	return &Error{Code: SerializationException, Message: message}
}

// Layer chooses between the two generations of DynamoDB's request validation.
// Since June 2026 AWS answers some operations with New texts and others with
// Old ones; which is which is the caller's knowledge.
type Layer uint8

// The two generations.
const (
	New Layer = iota
	Old
)
