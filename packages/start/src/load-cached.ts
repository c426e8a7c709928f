import { isAscii } from 'node:buffer'
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

/**
 * Loads a CommonJS file without compiling it again each time: what V8 has compiled is kept in a file of its own.
 * Compiling takes a third of the start otherwise.
 *
 * V8 compiles a function when it is first called. So there is a cache for each thing that is done with the file, no
 * larger than that takes. (Node's own compile cache is written once.)
 *
 * @param options - `program`: name of the executable, which the folder of the cache has too. `use`: what is done
 *   with the file, in letters or `-`: the name of a command.
 * @returns What the file exports.
 */
export function loadCached(
  file: string,
  { program, use }: { readonly program: string; readonly use: string },
): unknown {
  const folder = process.env['NODE_DISABLE_COMPILE_CACHE'] === '1' ? undefined : cacheFolder(program)
  const require = createRequire(file)
  if (folder === undefined) return require(file)
  const { size, mtimeMs } = statSync(file)
  const version = `${process.version}-${process.arch}-${size}-${Math.trunc(mtimeMs)}`
  const path = join(folder, `${version}.${use}.v8`)
  const cachedData = readCache(path)
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) {${readText(file)}\n})`,
    { filename: file, ...(cachedData === undefined ? {} : { cachedData }) },
  )
  if (cachedData === undefined || script.cachedDataRejected === true) {
    process.once('exit', () => store({ folder, version, path }, script)) // when V8 has compiled what was called
  }
  const made = { exports: {} }
  const wrapper = script.runInThisContext() as (...args: readonly unknown[]) => void
  wrapper(made.exports, require, made, file, dirname(file))
  return made.exports
}

/** What esbuild writes is ASCII, which is read several times faster as what it is. */
function readText(file: string): string {
  const bytes = readFileSync(file)
  return bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8')
}

function readCache(path: string): Buffer | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      return isOnlyOurs(fstatSync(fd)) ? readFileSync(fd) : undefined
    } finally {
      closeSync(fd)
    }
  } catch {
    return undefined // none yet
  }
}

/** Writes a cache, whole or not at all, and removes those of other versions. */
function store(
  { folder, version, path }: { readonly folder: string; readonly version: string; readonly path: string },
  script: Script,
): void {
  const temporary = `${path}.${process.pid}`
  try {
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      writeSync(fd, script.createCachedData())
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.v8') && !name.startsWith(`${version}.`)) rmSync(join(folder, name), { force: true })
    }
  } catch {
    rmSync(temporary, { force: true }) // a full disk: everything works without
  }
}
