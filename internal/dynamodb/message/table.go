package message

// invalid begins many refusals.
const invalid = "One or more parameter values were invalid: "

const (
	schemaText  = "The provided key element does not match the schema"
	startText   = "The provided starting key is invalid"
	inUse       = "Attempt to change a resource which is still in use: "
	notFound    = "Requested resource not found"
	notValid    = "One or more parameter values are not valid. "
	emptyKey    = "The AttributeValue for a key attribute cannot contain an empty "
	noTableText = notFound + ": Table: %s not found"
)

// Checks of keys and items.
const (
	KeyMissing Check = iota
	KeyType
	KeyExtra
	KeyEmpty
	HashTooLong
	RangeTooLong
	IndexKeyType
	IndexKeyEmpty
	ItemTooLarge
	UpdatedItemTooLarge
	ReturnValuesRestricted
	ConditionFalse

	// Reads.
	NoIndex
	ConsistentGlobal
	BackfillingIndex
	GlobalAllAttributes
	GlobalNotProjected
	StartInvalid
	StartSchema
	StartOutside
	StartPredicate
	StartSingle
	StartSegment
	SpecificWithoutProjection
	ProjectionWithSelect
	AttributesWithSelect
	ProjectedWithoutIndex
	SegmentWithoutTotal
	TotalWithoutSegment
	SegmentTooLarge
	NoKeyCondition

	// Batches and transactions.
	BatchDuplicates
	BatchTooMany
	BatchEmpty
	BatchBothStyles
	BatchEntryEmpty
	TransactDuplicates
	TransactAction
	TransactTooLarge
	TokenMismatch

	// PartiQL.
	DuplicateKey
	FilterNotProjected
	BatchSelectKey
	BatchReadsAndWrites
	TransactSelectKey
	TransactIndex
	TransactReturning
	TransactReadsAndWrites
	ExistsCondition
	ExistsOutside
	NextTokenInvalid

	// Tables.
	NoTable
	NoNamedTable
	TableNameMissing
	TableExists
	TableProtected
	IndexesInFlight
	OnDemandThroughput
	ProvisionedWithout
	ThroughputBounds
	KeysWithoutDefinitions
	KeyNotDefined
	SameHashAndRange
	FirstNotHash
	SecondNotRange
	HashBehindRange
	TooManyKeyParts
	NonKeyTwice
	DefinitionsMismatch
	DefinitionsUnused
	DefinitionTwice
	IndexListEmpty
	LocalWithoutRange
	LocalIndexWithoutRange
	LocalIndexHash
	ProjectionUnknown
	NonKeyNotAllowed
	NonKeyMissing
	OnDemandIndexThroughput
	ProvisionedIndexWithout
	IndexDuplicate
	TooManyLocal
	TooManyGlobal
	StreamDisabledWithView

	// UpdateTable.
	NothingToUpdate
	SameThroughput
	ToProvisionedWithout
	ToProvisionedIndexWithout
	IndexUpdateEmpty
	IndexUpdateTwice
	IndexUpdateTwoActions
	IndexUpdatesEmpty
	OneOnlineIndex
	IndexWithoutDefinitions
	AttributeRedefined
	NoNamedIndex
	NotGlobalDelete
	NotGlobalUpdate
	IndexExists
	TableThroughputOnDemand
	IndexThroughputOnDemand
	StreamEnabledAlready
	StreamWithoutView
	StreamDisableWithView
	StreamNotEnabled

	// Time to live, tags, backups.
	ExpiryEnabledAlready
	ExpiryOtherAttribute
	ExpiryDisabledAlready
	TagArnMissing
	TagArnInvalid
	TagTableMissing
	TagsEmpty
	TagKeysEmpty
	TagsTooMany
	BackupTableMissing

	// Streams.
	StreamArnInvalid
	NoStream
	NoShard
	IteratorWithoutSequence
	IteratorWithSequence
	SequenceInvalid
	IteratorInvalid
	IteratorExpired
	TrimmedData

	checks // how many there are
)

// table holds the texts; AWS's typing errors are kept.
var table = [checks]entry{
	KeyMissing: {text: schemaText, by: map[Operation]string{
		PutItem: invalid + "Missing the key %s in the item", ExecuteStatement: "Key attribute should be present in the item: Key %s"}},
	KeyType: {text: schemaText, by: map[Operation]string{
		PutItem:          invalid + "Type mismatch for key %s expected: %s actual: %s",
		ExecuteStatement: "Key attribute's data type should match its data type in table's schema: Key %s"}},
	KeyExtra:     {text: schemaText},
	KeyEmpty:     {text: notValid + emptyKey + "%s value. Key: %s"},
	HashTooLong:  {text: invalid + "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
	RangeTooLong: {text: invalid + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
	IndexKeyType: {text: invalid + "Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s"},
	IndexKeyEmpty: {
		text: notValid + "A value specified for a secondary index key is not supported. " + emptyKey + "%s value. IndexName: %s, IndexKey: %s",
		by: map[Operation]string{UpdateItem: notValid + "The update expression attempted to update a secondary index key to a value that is not supported. " +
			emptyKey + "%s value."},
	},
	ItemTooLarge:           {text: "Item size has exceeded the maximum allowed size"},
	UpdatedItemTooLarge:    {text: "Item size to update has exceeded the maximum allowed size"},
	ReturnValuesRestricted: {text: "ReturnValues can only be ALL_OLD or NONE"},
	ConditionFalse:         {code: ConditionFailed, text: "The conditional request failed"},

	NoIndex:                   {text: "The table does not have the specified index: %s", by: map[Operation]string{ExecuteStatement: "The table does not have the specified index"}},
	ConsistentGlobal:          {text: "Consistent reads are not supported on global secondary indexes", by: map[Operation]string{ExecuteStatement: "Strongly consistent read is not supported on Global Secondary Indexes"}},
	BackfillingIndex:          {text: "Cannot read from backfilling global secondary index: %s"},
	GlobalAllAttributes:       {text: invalid + "Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL"},
	GlobalNotProjected:        {text: invalid + "Global secondary index %s does not project [%s]"},
	StartInvalid:              {text: startText},
	StartSchema:               {text: startText + ": " + schemaText},
	StartOutside:              {text: "The provided starting key is outside query boundaries based on provided conditions"},
	StartPredicate:            {text: "The provided starting key does not match the range key predicate"},
	StartSingle:               {text: "The query can return at most one row and cannot be restarted"},
	StartSegment:              {text: startText + ": Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d"},
	SpecificWithoutProjection: {text: "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES", by: map[Operation]string{Query: OneError + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"}},
	ProjectionWithSelect:      {text: "Cannot specify the ProjectionExpression when choosing to get %s"},
	AttributesWithSelect:      {text: "Cannot specify the AttributesToGet when choosing to get %s"},
	ProjectedWithoutIndex:     {text: "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
	SegmentWithoutTotal:       {text: "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"},
	TotalWithoutSegment:       {text: "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"},
	SegmentTooLarge:           {text: "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d"},
	NoKeyCondition:            {text: "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},

	BatchDuplicates:    {text: "Provided list of item keys contains duplicates"},
	BatchTooMany:       {text: "Too many items requested for the BatchGetItem call", by: map[Operation]string{BatchWriteItem: "Too many items requested for the BatchWriteItem call"}},
	BatchEmpty:         {text: "The requestItems parameter is required for %s"},
	BatchBothStyles:    {text: "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"},
	BatchEntryEmpty:    {text: "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"},
	TransactDuplicates: {text: "Transaction request cannot include multiple operations on one item"},
	TransactAction:     {text: "TransactItems can only contain one of Check, Put, Update or Delete"},
	// The words are unconfirmed.
	TransactTooLarge: {text: "Transaction request size cannot exceed 4 MB"},
	TokenMismatch:    {code: IdempotentMismatch, text: "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical"},

	DuplicateKey:           {code: DuplicateItem, text: "Duplicate primary key exists in table"},
	FilterNotProjected:     {text: invalid + "Secondary index %s does not project one or more filter attributes: [%s]"},
	BatchSelectKey:         {text: "Select statements within BatchExecuteStatement must specify the primary key in the where clause."},
	BatchReadsAndWrites:    {text: "Read and write requests together in the same batch is not supported."},
	TransactSelectKey:      {text: "Select statements within ExecuteTransaction must specify the primary key in the where clause."},
	TransactIndex:          {text: "Reads on indices are not supported within transactions."},
	TransactReturning:      {text: "RETURNING clause is not supported in ExecuteTransaction."},
	TransactReadsAndWrites: {text: "ExecuteTransaction API does not support both read and write operations in the same request."},
	ExistsCondition:        {text: "EXISTS() must contain a single item read with additional condition"},
	ExistsOutside:          {text: "EXISTS can only be used in ExecuteTransaction write requests."},
	NextTokenInvalid:       {text: "Invalid NextToken"},

	NoTable:                {code: ResourceNotFound, text: notFound},
	NoNamedTable:           {code: ResourceNotFound, text: noTableText},
	TableNameMissing:       {text: "The parameter 'TableName' is required but was not present in the request"},
	TableExists:            {code: ResourceInUse, text: "Table already exists: %s"},
	TableProtected:         {text: "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."},
	IndexesInFlight:        {code: ResourceInUse, text: inUse + "Cannot delete table while indexes are being created, updated, or deleted"},
	OnDemandThroughput:     {text: invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
	ProvisionedWithout:     {text: invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
	ThroughputBounds:       {text: "Given value %d for %s is out of bounds"},
	KeysWithoutDefinitions: {text: "Invalid KeySchema: Some index key attribute have no definition"},
	KeyNotDefined:          {text: invalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]"},
	SameHashAndRange:       {text: "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
	FirstNotHash:           {text: "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
	SecondNotRange:         {text: "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"},
	// The words of these three are unconfirmed.
	HashBehindRange:     {text: "Invalid KeySchema: HASH key attributes must precede RANGE key attributes"},
	TooManyKeyParts:     {text: invalid + "Number of %s key attributes in the KeySchema exceeds the limit of %d"},
	NonKeyTwice:         {text: invalid + "Duplicate attribute in NonKeyAttributes: %s"},
	DefinitionsMismatch: {text: invalid + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"},
	DefinitionsUnused:   {text: invalid + "Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]"},
	// The words are unconfirmed; AWS's hold "duplicate" and the name.
	DefinitionTwice:         {text: invalid + "Duplicate attribute name in AttributeDefinitions: %s"},
	IndexListEmpty:          {text: invalid + "List of %s is empty"},
	LocalWithoutRange:       {text: invalid + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"},
	LocalIndexWithoutRange:  {text: invalid + "Index KeySchema does not have a range key for index: %s"},
	LocalIndexHash:          {text: invalid + "Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s"},
	ProjectionUnknown:       {text: invalid + "Unknown ProjectionType: %s"},
	NonKeyNotAllowed:        {text: invalid + "ProjectionType is %s, but NonKeyAttributes is specified"},
	NonKeyMissing:           {text: invalid + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"},
	OnDemandIndexThroughput: {text: invalid + "ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST"},
	ProvisionedIndexWithout: {text: invalid + "ProvisionedThroughput must be specified for index: %s"},
	IndexDuplicate:          {text: invalid + "Duplicate index name: %s"},
	TooManyLocal:            {text: invalid + "Number of LocalSecondaryIndexes exceeds per-table limit of 5"},
	TooManyGlobal:           {text: invalid + "GlobalSecondaryIndex count exceeds the per-table limit of 20"},
	StreamDisabledWithView:  {text: invalid + "Table is being created with a stream disabled, UpdateViewType should not be specified"},

	NothingToUpdate: {text: "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates or TableClass is required"},
	SameThroughput: {text: "The provisioned throughput for the table will not change. The requested value equals the current value. " +
		"Current ReadCapacityUnits provisioned for the table: %[1]d. Requested ReadCapacityUnits: %[1]d. " +
		"Current WriteCapacityUnits provisioned for the table: %[2]d. Requested WriteCapacityUnits: %[2]d. " +
		"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."},
	ToProvisionedWithout:      {text: invalid + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED"},
	ToProvisionedIndexWithout: {text: invalid + "ProvisionedThroughput must be specified for index: %s"},
	IndexUpdateEmpty:          {text: invalid + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"},
	IndexUpdateTwice:          {text: invalid + "Only one global secondary index update per index is allowed simultaneously. Index: %s"},
	IndexUpdateTwoActions:     {text: "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"},
	IndexUpdatesEmpty:         {text: invalid + "List of GlobalSecondaryIndexUpdates is empty"},
	OneOnlineIndex:            {code: LimitExceeded, text: "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"},
	IndexWithoutDefinitions:   {text: "AttributeDefinitions is not specified for index: %s"},
	AttributeRedefined:        {text: invalid + "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: %s New schema: %s"},
	NoNamedIndex:              {code: ResourceNotFound, text: notFound + ": Index %s for table %s"},
	NotGlobalDelete:           {text: "Cannot delete an index that is not a GlobalSecondaryIndex: %s"},
	NotGlobalUpdate:           {text: "Cannot update an index that is not a GlobalSecondaryIndex: %s"},
	IndexExists:               {text: "Attempting to create an index which already exists"},
	TableThroughputOnDemand:   {text: "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
	IndexThroughputOnDemand:   {text: "The only Updates for index: %s when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"},
	StreamEnabledAlready:      {text: "Table already has an enabled stream: TableName: %s"},
	StreamWithoutView:         {text: invalid + "If stream is being enabled then UpdateViewType is required"},
	StreamDisableWithView:     {text: invalid + "If stream is being disabled, then UpdateViewType must not be specified"},
	StreamNotEnabled:          {text: "Table has no stream to disable: TableName: %s"},

	ExpiryEnabledAlready:  {text: "TimeToLive is already enabled"},
	ExpiryOtherAttribute:  {text: "TimeToLive is active on a different AttributeName: current AttributeName is %s"},
	ExpiryDisabledAlready: {text: "TimeToLive is already disabled"},
	TagArnMissing:         {text: "Invalid TableArn"},
	TagArnInvalid:         {text: "Invalid TableArn: Invalid ResourceArn provided as input %s"},
	TagTableMissing:       {code: ResourceNotFound, text: notFound + ": ResourceArn: %s not found"},
	TagsEmpty:             {text: "Atleast one Tag needs to be provided as Input."},
	TagKeysEmpty:          {text: "Atleast one Tag Key needs to be provided as Input."},
	TagsTooMany:           {text: "The number of tags exceeds the limit of 50"},
	BackupTableMissing:    {code: TableNotFound, text: "Table not found: %s"},

	StreamArnInvalid: {text: "Invalid StreamArn"},
	NoStream:         {code: ResourceNotFound, text: notFound + ": Stream: %s not found"},
	// The words of the next five are unconfirmed.
	NoShard:                 {code: ResourceNotFound, text: notFound + ": Shard: %s in Stream: %s not found"},
	IteratorWithoutSequence: {text: "SequenceNumber must be specified for ShardIteratorType: %s"},
	IteratorWithSequence:    {text: "SequenceNumber must not be specified for ShardIteratorType: %s"},
	SequenceInvalid:         {text: "Invalid SequenceNumber: %s"},
	IteratorInvalid:         {text: "Invalid ShardIterator"},
	IteratorExpired:         {code: ExpiredIterator, text: "Shard iterator has expired"},
	TrimmedData:             {code: TrimmedDataAccess, text: "The data you are trying to access has been trimmed"},
}
