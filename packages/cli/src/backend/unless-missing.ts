import { codeOf } from '../commands/run-failure.js'
import { isCliError } from '../errors.js'

/** With `--force` nothing is wrong about what is not there. */
export async function unlessMissing(force: boolean, removed: Promise<unknown>): Promise<void> {
  try {
    await removed
  } catch (error) {
    const isMissing = isCliError(error) ? error.status === 404 : codeOf(error) === 'ERR_NETBRIDGE_NOT_FOUND'
    if (!force || !isMissing) throw error
  }
}
