import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import { errnoName } from './errno.js'
import { LinuxError } from './errors.js'
import { isMainThread } from './main-thread.js'
import { trampolineCode } from './program/trampoline/code.js'

/** The few native functions everything else is built on. */
export interface Native {
  readonly koffi: typeof Koffi
  /** Anonymous private read-write pages; the result is their address. */
  mapMemory(size: number): number
  /** The memory at `address` as an `ArrayBuffer`. */
  view(address: number, size: number): ArrayBuffer
  /** Where the bytes are, which are outside of V8's heap; right as long as somebody holds them. */
  addressOf(bytes: Uint8Array): number
  /** Runs the program whose control block is at `address` on this thread. */
  run(address: number): number
  /** The same on a thread of libuv's pool. */
  runOnPool(address: number, done: (error: Error | null, result: number) => void): void
}

/** Architectures that have a trampoline, named as `process.arch` names them. */
export type Architecture = 'x64' | 'arm64'

let loaded: Native | undefined

/**
 * Loads the native parts at the first call that needs them; importing the package loads nothing.
 *
 * @throws {@link LinuxError} `ERR_LINUX_UNSUPPORTED` off Linux and on processors without a trampoline.
 */
export function native(): Native {
  loaded ??= load()
  return loaded
}

/** True once a system call was made, which costs little from then on. */
export function isNativeLoaded(): boolean {
  return loaded !== undefined
}

/** The processor architecture of this process. */
export function architecture(): Architecture {
  if (process.platform !== 'linux') {
    throw new LinuxError(
      'ERR_LINUX_UNSUPPORTED',
      `cannot make system calls on ${process.platform}: this package needs Linux`,
    )
  }
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    throw new LinuxError(
      'ERR_LINUX_UNSUPPORTED',
      `cannot make system calls on ${process.arch}: x64 and arm64 are supported`,
    )
  }
  return process.arch
}

const PROT_READ = 1
const PROT_WRITE = 2
const PROT_EXEC = 4
const MAP_PRIVATE = 0x02
const MAP_ANONYMOUS = 0x20

/** The release of koffi that this package depends on. */
export const koffiVersion = '3.3.4'

function loadKoffi(): typeof Koffi {
  const require = createRequire(import.meta.url)
  try {
    return loadNativePart(require) ?? (require('koffi') as typeof Koffi)
  } catch (cause) {
    throw new LinuxError(
      'ERR_LINUX_UNSUPPORTED',
      'cannot make system calls: koffi, the bridge to native code, cannot be loaded; it must be installed for this platform',
      { cause },
    )
  }
}

/**
 * The native part of koffi alone. The script around it takes four times as long to load: it looks for what is to be
 * loaded here, and keeps functions of older releases.
 *
 * @returns Undefined where the package manager has put it elsewhere, or built it, or the libc is another one: koffi
 *   itself knows what to do then.
 */
function loadNativePart(require: NodeJS.Require): typeof Koffi | undefined {
  const { arch } = process
  try {
    const part = require(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`) as typeof Koffi
    return part.version === koffiVersion ? part : undefined
  } catch {
    return undefined
  }
}

/**
 * Node unloads a native module with the last worker thread that uses it, before its event loop is torn down;
 * what is still pending in the loop would then call code that is gone. This keeps koffi's code where it is.
 */
function keepLoaded(libc: Koffi.LibraryHandle): void {
  const RTLD_LAZY = 0x1
  const RTLD_NODELETE = 0x1000
  const dlopen = libc.func('dlopen', 'intptr_t', ['str', 'int'])
  for (const path of new Set(readFileSync('/proc/self/maps', 'utf8').match(/\/\S*koffi\S*\.node$/gm))) {
    dlopen(path, RTLD_LAZY | RTLD_NODELETE)
  }
}

function load(): Native {
  const code = trampolineCode[architecture()]
  const koffi = loadKoffi()
  const libc = koffi.load(null) // what is linked into Node already: its libc
  if (!isMainThread()) keepLoaded(libc)
  const mmap = libc.func('mmap', 'intptr_t', ['intptr_t', 'size_t', 'int', 'int', 'int', 'long'])
  const munmap = libc.func('munmap', 'int', ['intptr_t', 'size_t'])
  const mprotect = libc.func('mprotect', 'int', ['intptr_t', 'size_t', 'int'])

  const mapMemory = (size: number): number => {
    const address = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) as number
    if (address === -1) {
      throw new LinuxError(
        'ERR_LINUX_UNSUPPORTED',
        `cannot map ${size} bytes of memory: ${errnoName(koffi.errno())}`,
      )
    }
    return address
  }
  const view = (address: number, size: number): ArrayBuffer => koffi.view(BigInt(address), size)

  const text = mapMemory(4096)
  new Uint8Array(view(text, code.length)).set(code)
  if (mprotect(text, 4096, PROT_READ | PROT_EXEC) !== 0) {
    const errno = koffi.errno()
    munmap(text, 4096)
    throw new LinuxError(
      'ERR_LINUX_UNSUPPORTED',
      `cannot make the trampoline executable: ${errnoName(errno)}; a security policy forbids mprotect(PROT_EXEC)`,
    )
  }
  const run = koffi.decode(BigInt(text), koffi.proto('long', ['intptr_t'])) as Koffi.KoffiFunc<
    (address: number) => number
  >

  return {
    koffi,
    mapMemory,
    view,
    addressOf: (bytes) => Number(koffi.address(bytes)),
    run,
    runOnPool: (address, done) => {
      run.async(address, done)
    },
  }
}
