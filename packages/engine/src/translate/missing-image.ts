import { ApiError } from '../errors.js'

/** An image that is not here, by its name with the tag that is meant. */
export function missingImage(wanted: string, cause: unknown): ApiError {
  const isWhole = /[:@][^/]*$/.test(wanted) || /^[0-9a-f]{12,64}$/.test(wanted)
  return new ApiError(404, `No such image: ${isWhole ? wanted : `${wanted}:latest`}`, { cause })
}
