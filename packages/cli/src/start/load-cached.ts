import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Script } from 'node:vm'
import { cacheFolder, isOnlyOurs } from './cache-folder.js'

/** The names that a cache covers, blanks between them, come first. */
const headerBytes = 256

/**
 * Loads a CommonJS file without compiling it again each time: what V8 has compiled is kept in a file of its own.
 * Compiling takes a third of the start otherwise.
 *
 * V8 compiles a function when it is first called. So a cache names what was done with it, and is written again
 * when something else is done. (Node's own compile cache is written once.)
 *
 * @param use - What is done with the file, in letters: the name of a command.
 * @returns What the file exports.
 */
export function loadCached(file: string, use: string): unknown {
  const folder = process.env['NODE_DISABLE_COMPILE_CACHE'] === '1' ? undefined : cacheFolder()
  const require = createRequire(file)
  if (folder === undefined) return require(file)
  const { size, mtimeMs } = statSync(file)
  const path = join(folder, `${process.version}-${process.arch}-${size}-${Math.trunc(mtimeMs)}.v8`)
  const cache = readCache(path)
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'utf8')}\n})`,
    {
      filename: file,
      ...(cache === undefined ? {} : { cachedData: cache.data }),
    },
  )
  const uses = cache === undefined || script.cachedDataRejected === true ? [] : cache.uses
  if (!uses.includes(use) && [...uses, use].join(' ').length <= headerBytes) {
    process.once('exit', () => store(folder, path, [...uses, use], script)) // when V8 has compiled what was called
  }
  const made = { exports: {} }
  const wrapper = script.runInThisContext() as (...args: readonly unknown[]) => void
  wrapper(made.exports, require, made, file, dirname(file))
  return made.exports
}

function readCache(path: string): { readonly uses: readonly string[]; readonly data: Buffer } | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      if (!isOnlyOurs(fstatSync(fd))) return undefined
      const bytes = readFileSync(fd)
      return {
        uses: bytes.toString('latin1', 0, headerBytes).trim().split(' '),
        data: bytes.subarray(headerBytes),
      }
    } finally {
      closeSync(fd)
    }
  } catch {
    return undefined // none yet
  }
}

/** Writes a cache, whole or not at all, and removes those of other versions. */
function store(folder: string, path: string, uses: readonly string[], script: Script): void {
  const temporary = `${path}.${process.pid}`
  try {
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      writeSync(
        fd,
        Buffer.concat([Buffer.from(uses.join(' ').padEnd(headerBytes), 'latin1'), script.createCachedData()]),
      )
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.v8') && join(folder, name) !== path) rmSync(join(folder, name), { force: true })
    }
  } catch {
    rmSync(temporary, { force: true }) // a full disk: everything works without
  }
}
