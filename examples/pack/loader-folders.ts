import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Where the dynamic loader looks for libraries when a program does not say. */
export interface LoaderFolders {
  /** From `ld.so.conf`: only loaders that have the host's cache of it look there. */
  readonly configured: readonly string[]
  /** Built into the loader. */
  readonly builtIn: readonly string[]
}

const multiarch: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }
const deepestInclude = 8

/** The folders of this machine's loaders, of glibc and of musl; see ld.so(8). */
export function loaderFolders(configuration = '/etc/ld.so.conf'): LoaderFolders {
  const triple = multiarch[process.arch]
  const debian = triple === undefined ? [] : [`/lib/${triple}`, `/usr/lib/${triple}`]
  const builtIn = [...debian, '/lib64', '/usr/lib64', '/lib', '/usr/lib']
  return { configured: readLoaderConfiguration(configuration), builtIn }
}

/** The folders in an `ld.so.conf`, with those of the files that it includes; see ldconfig(8). */
export function readLoaderConfiguration(path: string, depth = 0): string[] {
  if (depth > deepestInclude || !existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .flatMap((line) => {
      const include = /^include\s+(.*)$/.exec(line)?.[1]
      if (include === undefined) return line.startsWith('/') ? [line] : []
      return include
        .split(/\s+/)
        .flatMap((pattern) => matching(pattern.startsWith('/') ? pattern : join(dirname(path), pattern)))
        .flatMap((file) => readLoaderConfiguration(file, depth + 1))
    })
}

/** Files that a pattern with `*` in its last part stands for, in order. */
function matching(pattern: string): string[] {
  const [folder, last] = [dirname(pattern), basename(pattern)]
  if (!existsSync(folder)) return []
  const expression = new RegExp(`^${last.replace(/[.+^${}()|[\]\\?]/g, '\\$&').replaceAll('*', '.*')}$`)
  return readdirSync(folder)
    .filter((name) => expression.test(name))
    .sort()
    .map((name) => join(folder, name))
}
