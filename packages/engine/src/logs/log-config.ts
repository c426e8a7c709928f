import { badRequest } from '../errors.js'
import type { LogDriver } from './driver.js'
import { drivers } from './drivers.js'
import { limitsOfLocal } from './file-drivers.js'
import { parseLogFlag, parseLogSize } from './sizes.js'
import { checkTag } from './source.js'

/** A driver and its options, as `HostConfig.LogConfig` has them. */
export interface LogConfig {
  readonly Type: string
  readonly Config: Readonly<Record<string, string>>
}

const common = ['labels', 'labels-regex', 'env', 'env-regex', 'tag']
const ofMode = ['mode', 'max-buffer-size']
const ofCache = ['cache-disabled', 'cache-max-size', 'cache-max-file', 'cache-compress']

/**
 * What a container's log is made of: what was asked for, and the daemon's defaults for the rest.
 *
 * @throws `ApiError` 400 with Docker's words: no such driver, no such option, an option that cannot have its value.
 */
export function resolveLogConfig(
  asked: { readonly Type?: string | null | undefined; readonly Config?: unknown } | null | undefined,
  defaults: LogConfig,
): LogConfig {
  const Type = asked?.Type == null || asked.Type === '' ? defaults.Type : asked.Type
  const own = (asked?.Config ?? {}) as Readonly<Record<string, string>>
  const inherited = Object.entries(defaults.Config).filter(
    ([name]) => Type === defaults.Type || ofCache.includes(name),
  )
  const config = { Type, Config: { ...Object.fromEntries(inherited), ...own } }
  checkLogConfig(config)
  return config
}

/** @throws `ApiError` 400 with Docker's words. */
export function checkLogConfig({ Type, Config }: LogConfig): void {
  if (Type === 'none') return
  const { mode = '', 'max-buffer-size': buffer } = Config
  if (!['', 'blocking', 'non-blocking'].includes(mode))
    throw badRequest(`logger: logging mode not supported: ${mode}`)
  if (buffer !== undefined) {
    if (mode !== 'non-blocking')
      throw badRequest("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
    inContext('error parsing option max-buffer-size', () => parseLogSize(buffer, 1024))
  }
  const driver = driverOf(Type)
  const known = new Set([...common, ...ofMode, ...ofCache, ...driver.options])
  for (const option of Object.keys(Config)) if (!known.has(option)) throw badRequest(driver.unknown(option))
  cacheOf(Config)
  for (const option of ['labels-regex', 'env-regex']) checkPattern(option, Config[option] ?? '')
  checkTag(Config['tag'] ?? '')
  driver.check(Config)
}

/** @throws `ApiError` 400: there is no such driver. */
export function driverOf(name: string): LogDriver {
  const driver = Object.hasOwn(drivers, name) ? drivers[name] : undefined
  if (driver === undefined) throw badRequest(`logger: no log driver named '${name}' is registered`)
  return driver
}

/** Options of the cache, by which logs can be read whose driver sends them away; undefined where it is turned off. */
export function cacheOf(
  config: Readonly<Record<string, string>>,
): ReturnType<typeof limitsOfLocal> | undefined {
  const disabled = config['cache-disabled'] ?? ''
  const isDisabled =
    disabled !== '' && inContext('invalid value for option cache-disabled', () => parseLogFlag(disabled))
  const limits = limitsOfLocal(
    Object.fromEntries(
      Object.entries(config).flatMap(([name, value]) =>
        name.startsWith('cache-') ? [[name.slice('cache-'.length), value]] : [],
      ),
    ),
  )
  return isDisabled ? undefined : limits
}

function checkPattern(option: string, pattern: string): void {
  try {
    new RegExp(pattern)
  } catch (error) {
    throw badRequest(`invalid log option ${option}: ${(error as Error).message}`)
  }
}

function inContext<T>(context: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw badRequest(`${context}: ${(error as Error).message}`)
  }
}
