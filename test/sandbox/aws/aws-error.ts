/** An error as AWS answers it: `name` is the error code that the SDK turns into a class, `statusCode` the HTTP status. */
export class AwsError extends Error {
  override readonly name: string;
  readonly statusCode: number;

  constructor(name: string, message: string, statusCode = 400) {
    super(message);
    this.name = name;
    this.statusCode = statusCode;
  }
}

/** Error of AWS for a parameter that breaks a length or a pattern of the service's API model. */
export function toValidationError(parameter: string, constraint: string): AwsError {
  const message = `1 validation error detected: Value at '${parameter}' failed to satisfy constraint: ${constraint}`;
  return new AwsError('ValidationException', message);
}

export function toInvalidParameter(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
