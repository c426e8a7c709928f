import { ApiError } from '../errors.js'

/** Versions of the API that clients may ask for. */
export const newestVersion = '1.51'
export const oldestVersion = '1.24'

/** The path of a request without its version, and the version. */
export function splitVersion(url: string): { readonly path: string; readonly version: string | undefined } {
  const [, version, path] = /^\/v(\d+\.\d+)(\/.*)$/.exec(url) ?? []
  return version === undefined ? { path: url, version: undefined } : { path: path!, version }
}

/** @throws `ApiError` 400 for a version that is not spoken here. */
export function checkVersion(version: string | undefined): void {
  if (version === undefined) return
  if (compare(version, newestVersion) > 0) {
    throw new ApiError(
      400,
      `client version ${version} is too new. Maximum supported API version is ${newestVersion}`,
    )
  }
  if (compare(version, oldestVersion) < 0) {
    throw new ApiError(
      400,
      `client version ${version} is too old. Minimum supported API version is ${oldestVersion}, please upgrade your client to a newer version`,
    )
  }
}

function compare(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number)
  const [majorB = 0, minorB = 0] = b.split('.').map(Number)
  return majorA - majorB || minorA - minorB
}
