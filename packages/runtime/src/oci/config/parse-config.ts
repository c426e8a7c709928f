import {
  absolutePath,
  type Checker,
  flag,
  integer,
  list,
  name,
  object,
  optional,
  optionalText,
  record,
  text,
  variable,
  type Warn,
  wrong,
} from './check.js'
import type {
  Config,
  ConfigHooks,
  ConfigLinux,
  ConfigMount,
  ConfigProcess,
  ConfigResources,
} from './config.js'
import { parseJson } from './json.js'
import { linux } from './parse-linux.js'
import { mount } from './parse-mount.js'
import { processChecker } from './parse-process.js'
import { resourcesChecker } from './parse-resources.js'
import { validateConfig, validateRootless } from './validate-config.js'

/** Settings of {@link parseConfig}. */
export interface ParseConfigOptions {
  /** Checks for a caller without privileges too. Default false. */
  readonly rootless?: boolean
  /** Is told what is left out or meant otherwise, such as unknown capabilities. Default: nobody is told. */
  readonly warn?: Warn
}

const ociVersion: Checker<string> = (value, path) => {
  const version =
    /^1\.(?:0|[1-9]\d{0,3})\.(?:0|[1-9]\d{0,3})(?:-[0-9A-Za-z.-]{1,64})?(?:\+[0-9A-Za-z.-]{1,64})?$/
  if (typeof value !== 'string' || !version.test(value)) throw wrong(path, 'a version 1.x.y', value)
  return value
}

/** Longest timeout of a hook, in seconds: what timers of Node can wait, 24 days. */
const LONGEST_TIMEOUT = 2_147_483

const timeout: Checker<number> = (value, path, warn) =>
  Math.min(integer(1, Number.MAX_SAFE_INTEGER)(value, path, warn), LONGEST_TIMEOUT)

const hook = object({
  path: absolutePath,
  args: optional(list(text)),
  env: optional(list(variable)),
  timeout: optional(timeout),
})

const hooks: Checker<ConfigHooks> = object({
  prestart: optional(list(hook)),
  createRuntime: optional(list(hook)),
  createContainer: optional(list(hook)),
  startContainer: optional(list(hook)),
  poststart: optional(list(hook)),
  poststop: optional(list(hook)),
})

const configChecker: Checker<Config> = object({
  ociVersion,
  root: object({ path: name, readonly: optional(flag) }),
  mounts: optional(list(mount)),
  process: optional(processChecker),
  hostname: optionalText(text),
  domainname: optionalText(text),
  hooks: optional(hooks),
  annotations: optional(record(text)),
  linux: optional(linux),
})

const nobody: Warn = () => undefined

/**
 * Reads a `config.json`, which may come from anybody: whatever is in it, the result is a {@link Config} whose fields
 * hold what their comments say, or an error. Nothing of the host is changed; of it only namespaces that a path names
 * are looked at.
 *
 * Integers of 64 bits that no `number` holds exactly are `bigint`. A new user namespace without mappings gets the ones
 * that need no privilege: id 0 is the caller's.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: naming the field, what it must be and what it is.
 *
 * @example
 * parseConfig(readFileSync(join(bundle, 'config.json'), 'utf8')).process?.args
 */
export function parseConfig(
  text: string,
  { rootless = false, warn = nobody }: ParseConfigOptions = {},
): Config {
  const config = configChecker(parseJson(text), '', warn)
  validateConfig(config)
  const mapped = config.linux === undefined ? config : { ...config, linux: withMappings(config.linux) }
  if (rootless) validateRootless(mapped)
  return mapped
}

/** Reads the `process` object that `exec --process` takes. As {@link parseConfig}. */
export function parseProcess(text: string, warn: Warn = nobody): ConfigProcess {
  return processChecker(parseJson(text), 'process', warn)
}

/** Reads the `resources` object that `update --resources` takes. As {@link parseConfig}. */
export function parseResources(text: string, warn: Warn = nobody): ConfigResources {
  return resourcesChecker(parseJson(text), 'resources', warn)
}

/** Reads the list of mounts that `mounts add` takes. As {@link parseConfig}. */
export function parseMounts(text: string, warn: Warn = nobody): readonly ConfigMount[] {
  return list(mount)(parseJson(text), 'mounts', warn)
}

function withMappings(linux: ConfigLinux): ConfigLinux {
  const user = linux.namespaces?.find(({ type }) => type === 'user')
  if (user === undefined || user.path !== undefined || linux.uidMappings !== undefined) return linux
  return {
    ...linux,
    uidMappings: [{ containerID: 0, hostID: process.geteuid!(), size: 1 }],
    gidMappings: [{ containerID: 0, hostID: process.getegid!(), size: 1 }],
  }
}
