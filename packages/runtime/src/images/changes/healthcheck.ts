import type { Healthcheck } from '@ctr/registry'
import { RuntimeError } from '../../errors.js'

const durations = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const

const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

/**
 * What stands after `HEALTHCHECK`: `NONE`, or flags such as `--interval=30s` and `CMD` with a command.
 *
 * @param commandOf - Reads the command: a JSON list, or a line for the shell.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`
 */
export function parseHealthcheck(
  text: string,
  commandOf: (text: string) => { readonly words: readonly string[]; readonly isShell: boolean },
): Healthcheck {
  const settings: Record<string, number> = {}
  let rest = text
  for (let match = /^--([a-z-]+)=(\S+)\s*/.exec(rest); match; match = /^--([a-z-]+)=(\S+)\s*/.exec(rest)) {
    const [whole, name, value] = match
    if (name === 'retries') settings['Retries'] = wholeNumber(value!)
    else if (name! in durations) settings[durations[name as keyof typeof durations]] = parseDuration(value!)
    else throw invalid(text, `there is no flag --${name!}`)
    rest = rest.slice(whole.length)
  }
  if (/^none\s*$/i.test(rest)) return { Test: ['NONE'] }
  const [, command] = /^cmd\s+(.+)$/is.exec(rest) ?? []
  if (command === undefined) throw invalid(text, 'it needs NONE or CMD')
  const { words, isShell } = commandOf(command.trim())
  return { Test: isShell ? ['CMD-SHELL', command.trim()] : ['CMD', ...words], ...settings }
}

/** `1m30s` in nanoseconds. */
function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)]
  if (text !== '0' && parts.map(([part]) => part).join('') !== text)
    throw invalid(text, 'a time needs a unit, such as 30s or 1m30s')
  return Math.round(parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * units[unit!]!, 0))
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw invalid(text, 'retries must be a whole number')
  return Number(text)
}

function invalid(text: string, why: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', `cannot use HEALTHCHECK ${text}: ${why}`)
}
