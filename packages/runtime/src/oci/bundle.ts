import { readFileSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isRuntimeError, RuntimeError } from '../errors.js'
import type { Config, ConfigMount } from './config/config.js'
import type { ConfigProcess } from './config/config-process.js'
import type { ParsedMountOptions } from './config/mount-options.js'
import type { OciContext } from './context.js'

/** A bundle (bundle.md of the spec), read and checked. */
export interface Bundle {
  /** Absolute path of its folder. */
  readonly path: string
  /** The text of its config. */
  readonly text: string
  readonly config: Config & { readonly process: ConfigProcess }
  /** Absolute path of its root file system, without symbolic links. */
  readonly rootfs: string
  readonly mounts: readonly { readonly mount: ConfigMount; readonly options: ParsedMountOptions }[]
}

/** Of a config without one: everything is made, and there is nothing to start (config.md, process). */
const noProcess: ConfigProcess = { args: [], cwd: '/', user: { uid: 0, gid: 0 } }

/** No config is as large as this. */
const MAX_CONFIG = 16 * 2 ** 20

/**
 * Reads a bundle.
 *
 * @param config - Path of a config other than `config.json` of the bundle.
 * @throws {@link RuntimeError} `ERR_RUNTIME_CONFIG`: it is missing or malformed.
 */
export function readBundle(
  { configs, log }: Pick<OciContext, 'configs' | 'log'>,
  { bundle, config: configPath }: { readonly bundle: string; readonly config?: string | undefined },
): Bundle {
  const path = resolve(bundle)
  const text = readConfig(resolve(path, configPath ?? 'config.json'))
  const { config, mounts, warnings } = configs.read(text)
  for (const message of warnings) log.warn(message)
  return {
    path,
    text,
    config: { ...config, process: config.process ?? noProcess },
    rootfs: findRoot(resolve(path, config.root.path)),
    mounts,
  }
}

function readConfig(path: string): string {
  try {
    const found = statSync(path)
    // a named pipe would keep us waiting, a device be read without end
    if (!found.isFile()) throw invalid(`${path} is not a regular file`)
    if (found.size > MAX_CONFIG) throw invalid(`${path} is larger than ${MAX_CONFIG} bytes`)
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (isRuntimeError(cause)) throw cause
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(path, cause)
    throw new RuntimeError('ERR_RUNTIME_CONFIG', `JSON specification file ${path} not found`, { cause })
  }
}

function findRoot(path: string): string {
  try {
    const real = realpathSync.native(path)
    if (!statSync(real).isDirectory()) throw invalid(`the root file system ${path} is not a directory`)
    return real
  } catch (cause) {
    if (isRuntimeError(cause)) throw cause
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(path, cause)
    throw new RuntimeError(
      'ERR_RUNTIME_CONFIG',
      `cannot use the root file system ${path}: no such file or directory`,
      { cause },
    )
  }
}

function unusable(path: string, cause: unknown): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_CONFIG', `cannot use ${path}: ${(cause as Error).message}`, { cause })
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_CONFIG', message)
}
