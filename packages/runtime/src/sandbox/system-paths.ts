import { realpathSync, statSync } from 'node:fs'
import { RuntimeError } from '../errors.js'
import type { MaskedPath } from '../setup/hide.js'

/** Paths of `/proc` and `/sys` that a container has not as they are. Those that the kernel does not have are left out. */
export interface SystemPaths {
  /** Hidden: a file behind `/dev/null`, a folder behind an empty one. Default those that Docker hides. */
  readonly masked?: readonly string[] | undefined
  /** Not to be written to, with everything below. Default those of Docker. */
  readonly readOnly?: readonly string[] | undefined
}

/** `'unconfined'`: nothing is hidden or read-only. */
export type SystemPathsOption = 'default' | 'unconfined' | SystemPaths

/** What a container is set up with. */
export interface ResolvedSystemPaths {
  readonly masked: readonly MaskedPath[]
  readonly readOnly: readonly string[]
}

/** As many as a container may name of each; every one is a mount. */
const most = 256

/**
 * Checks what is said of system paths.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: a path that is not below `/proc` or `/sys`, is one of a process,
 *   or leads elsewhere.
 */
export function checkSystemPaths(option: SystemPathsOption | undefined): void {
  if (typeof option !== 'object') return
  for (const [what, paths = []] of [
    ['hide', option.masked],
    ['make read-only', option.readOnly],
  ] as const) {
    if (paths.length > most)
      throw invalid(`cannot ${what} ${paths.length} paths: at most ${most} may be named`)
    for (const path of paths) checkPath(what, path)
  }
}

function checkPath(what: string, path: string): void {
  const shown = JSON.stringify(path.slice(0, 200))
  const isPlain = path.split('/').every((part, at) => at === 0 || !['', '.', '..'].includes(part))
  if (!/^\/(proc|sys)\//.test(path) || !isPlain || path.includes('\0') || path.length > 4096)
    throw invalid(`cannot ${what} ${shown}: the path must be below /proc or /sys, without ".." and "//"`)
  if (/^\/proc\/(\d|self\b|thread-self\b)/.test(path))
    throw invalid(`cannot ${what} ${shown}: processes come and go`)
  if (statSync(path, { throwIfNoEntry: false }) !== undefined && realpathSync(path) !== path)
    throw invalid(`cannot ${what} ${shown}: a symbolic link is on the way`)
}

/** The paths that there are, of those that were named, else of the usual ones. */
export function systemPathsOf(
  option: SystemPathsOption | undefined,
  host: { readonly maskedPaths: readonly MaskedPath[]; readonly readOnlyPaths: readonly string[] },
): ResolvedSystemPaths {
  if (option === 'unconfined') return { masked: [], readOnly: [] }
  const { masked, readOnly } = typeof option === 'object' ? option : {}
  return {
    masked: masked === undefined ? host.maskedPaths : kindsOf(masked),
    readOnly: readOnly === undefined ? host.readOnlyPaths : kindsOf(readOnly).map(({ path }) => path),
  }
}

/** What of the host's is there is what a container has. */
export function kindsOf(paths: readonly string[]): readonly MaskedPath[] {
  return paths.flatMap((path): readonly MaskedPath[] => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found === undefined ? [] : [{ path, kind: found.isDirectory() ? 'folder' : 'file' }]
  })
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
