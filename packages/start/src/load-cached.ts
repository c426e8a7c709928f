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
import { loadLater } from './load-later.js'

/**
 * Loads a CommonJS file without compiling it again each time: what V8 has compiled is kept in a file of its own.
 * Compiling takes a third of the start otherwise. Parts of Node that it imports are loaded when they are used.
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
  const cache = folder === undefined ? undefined : cachePath(folder, file, use)
  const cachedData = cache === undefined ? undefined : readCache(cache)
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) {${readText(file)}\n})`,
    { filename: file, ...(cachedData === undefined ? {} : { cachedData }) },
  )
  if (cache !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) {
    // V8 has compiled what was called then. What fails has not come far, and would be kept for those that do
    process.once('exit', (code) => {
      if (code === 0) store(cache, script)
    })
  }
  const made = { exports: {} }
  const wrapper = script.runInThisContext() as (...args: readonly unknown[]) => void
  wrapper(made.exports, loadLater(createRequire(file)), made, file, dirname(file))
  return made.exports
}

/** Where a cache is kept: the name tells this build and this Node from others. */
function cachePath(folder: string, file: string, use: string): string {
  const { size, mtimeMs } = statSync(file)
  return join(folder, `${process.version}-${process.arch}-${size}-${Math.trunc(mtimeMs)}.${use}.v8`)
}

/** What we build is ASCII, which is read several times faster as what it is, and takes half the memory. */
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

/** Writes a cache, whole or not at all, and removes old ones. */
function store(path: string, script: Script): void {
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
    removeOld(dirname(path))
  } catch {
    rmSync(temporary, { force: true }) // a full disk: everything works without
  }
}

const oldMs = 30 * 24 * 60 * 60 * 1000

/**
 * Removes what builds that are gone have left. Not all that is of another build: a second installation or another
 * Node may be in use as well, and the two would compile anew for ever. What was in use is written again.
 */
function removeOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!/\.v8(?:\.\d+)?$/.test(name)) continue
    const path = join(folder, name)
    if (Date.now() - statSync(path).mtimeMs > oldMs) rmSync(path, { force: true })
  }
}
