import { constants } from 'node:os'
import { usageError } from '../usage-error.js'

const SIGRTMIN = 34
const SIGRTMAX = 64

/**
 * Reads a signal: a number, `SIGTERM`, `term`, `RTMIN+3` or `SIGRTMAX-1`. 0 only asks whether there is a process.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: no such signal.
 */
export function parseSignal(text: string): number {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : byName(text.toUpperCase().replace(/^SIG/, ''))
  if (number !== undefined && number <= SIGRTMAX) return number
  throw usageError(`unknown signal "${text}"`)
}

function byName(name: string): number | undefined {
  const signals = constants.signals as Readonly<Record<string, number>>
  if (Object.hasOwn(signals, `SIG${name}`)) return signals[`SIG${name}`]
  const [, end, sign, offset] = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? []
  if (end === undefined) return undefined
  const number = (end === 'MIN' ? SIGRTMIN : SIGRTMAX) + Number(`${sign ?? '+'}${offset ?? '0'}`)
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined
}
