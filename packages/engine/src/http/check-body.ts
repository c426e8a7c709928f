import type { TSchema } from '@sinclair/typebox'
import { Errors, ValueErrorType, type ValueError } from '@sinclair/typebox/errors'
import { Check } from '@sinclair/typebox/value'
import { ApiError } from '../errors.js'

/**
 * Checks a body by its schema, without compiling that: bodies are small, and code made for each schema takes more memory
 * than everything else of the engine.
 *
 * @returns What a client is told: the member that does not fit.
 */
export function checkBody(schema: TSchema, body: unknown): ApiError | undefined {
  if (Check(schema, body)) return undefined
  const first = Errors(schema, body).First()
  const { path, message } = first === undefined ? { path: '', message: 'it does not fit' } : innermost(first)
  const member = path.split('/').slice(1).join('.')
  return new ApiError(
    400,
    `invalid value of ${member === '' ? 'the body' : member}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`,
  )
}

/** Of a member that may be one thing or another, what is wrong with the first. */
function innermost(error: ValueError): ValueError {
  if (error.type !== ValueErrorType.Union) return error
  const [first] = error.errors
  const inner = first?.First()
  return inner === undefined ? error : innermost(inner)
}
