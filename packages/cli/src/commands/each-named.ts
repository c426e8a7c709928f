import { messageOf } from '../errors.js'
import { printError, printLine } from '../output/pipe-end.js'

/**
 * Does something for each of several containers or images that were named; one that fails does not keep the
 * others from it. Prints what `act` returns, else the name.
 *
 * @returns Exit code: 1 when one has failed.
 */
export async function eachNamed(
  names: readonly string[],
  act: (name: string) => Promise<string | undefined> | string | undefined,
): Promise<number> {
  let exitCode = 0
  for (const name of names) {
    try {
      printLine((await act(name)) ?? name)
    } catch (error) {
      printError(`ctrjs: ${messageOf(error)}`)
      exitCode = 1
    }
  }
  return exitCode
}
