import { RuntimeError } from '../../errors.js'

/** An argument of the command line that cannot be. */
export function usageError(message: string, options?: ErrorOptions): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message, options)
}
