import { basename } from 'node:path'

/**
 * What we were called as: the name of the link to us, or `ctr-runtime` when the script itself was called.
 *
 * @param script - Path of the script, `process.argv[1]`.
 */
export function programName(script: string | undefined): string {
  const name = basename(script ?? '')
  return /^[\w-]+$/.test(name) ? name : 'ctr-runtime'
}
