import { createRequire } from 'node:module'
import { badRequest } from '../../errors.js'

const { resolve } = createRequire(import.meta.url)

/**
 * Some drivers stand on large libraries of others, which are installed where they are wanted only.
 *
 * @param range - Versions that were tested.
 * @throws `ApiError` 400 that says how to install it.
 */
export function needsPackage(driver: string, name: string, range: string): void {
  try {
    resolve(name)
  } catch {
    throw badRequest(
      `the log driver ${driver} needs the package ${name}, which is not installed beside @ctr/engine: npm install ${name}@${range}`,
    )
  }
}
