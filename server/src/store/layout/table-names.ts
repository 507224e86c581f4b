/** The names of the table and of its attributes. The defaults are those of Celery's DynamoDBBackend. */
export interface TableNames {
  readonly table: string;
  readonly keyAttribute: string;
  readonly valueAttribute: string;
  readonly counterAttribute: string;
  readonly writeTimeAttribute: string;
  readonly expiryAttribute: string;
  readonly etagAttribute: string;
  readonly requestsAttribute: string;
  readonly membersAttribute: string;
  readonly exactExpiryAttribute: string;
}
