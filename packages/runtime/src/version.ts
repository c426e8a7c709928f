import { createRequire } from 'node:module'

/** Version of this package. */
export function ownVersion(): string {
  return (createRequire(import.meta.url)('../package.json') as { version: string }).version
}

/** The commit that the executable was built from; undefined when that is not known. */
export function commit(): string | undefined {
  const built = process.env['CTR_RUNTIME_COMMIT'] // the build puts the commit in place of this expression
  return built === '' ? undefined : built
}
