import { RuntimeError } from '../errors.js'

/**
 * Whether a kernel is of a release or a later one.
 *
 * @param release - As `os.release()` gives it.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: it does not begin with two numbers.
 */
export function isKernelSince(release: string, major: number, minor: number): boolean {
  const match = /^(\d{1,5})\.(\d{1,5})/.exec(release)
  if (match === null) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot choose seccomp profile: kernelVersion must begin with two numbers, got ${JSON.stringify(release)}`,
    )
  }
  const [, theirMajor, theirMinor] = match.map(Number)
  return theirMajor! > major || (theirMajor === major && theirMinor! >= minor)
}
