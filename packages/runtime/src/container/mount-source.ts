import { readFileSync } from 'node:fs'
import {
  AT_FDCWD,
  cloneMount,
  Fd,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  mountSetattr,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  syscall,
} from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import type { MountPropagation } from '../volume-options.js'

/** What is to be mounted of the host: a path, or something in a folder that others may write to. */
export interface MountSource {
  readonly source: string
  /** A path below `source`, which is followed inside of it alone. */
  readonly subpath?: string | undefined
  readonly propagation?: MountPropagation | undefined
  /** With what is mounted below it. Default true. */
  readonly recursive?: boolean | undefined
  /** Layers of an image, from the lowest to the highest: their files are meant, and `source` is the image's id. */
  readonly layers?: readonly string[] | undefined
}

/**
 * A path of this process that leads to what is to be mounted, as long as it is not closed.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: there is no such thing in the folder.
 */
export function openSource({ source, subpath, layers }: MountSource): Disposable & { readonly path: string } {
  if (subpath === undefined || subpath === '') return { path: source, [Symbol.dispose]: () => undefined }
  using folder = new Fd(syscall('openat', AT_FDCWD, source, O_PATH + O_DIRECTORY + O_CLOEXEC, 0))
  try {
    const resolve = RESOLVE_IN_ROOT + RESOLVE_NO_MAGICLINKS
    const how = openHow({ flags: O_PATH + O_CLOEXEC, resolve })
    const found = new Fd(syscall('openat2', folder.number, subpath, how, OPEN_HOW_SIZE))
    return { path: `/proc/self/fd/${found.number}`, [Symbol.dispose]: () => found.close() }
  } catch (cause) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot mount ${JSON.stringify(subpath)} of ${layers === undefined ? 'a volume' : 'an image'}: it is not in there`,
      { cause },
    )
  }
}

/** A detached mount of it, with its propagation. */
export function openMount(mount: MountSource): Fd {
  const { propagation = 'rprivate', recursive = true, source } = mount
  using opened = openSource(mount)
  const kind = kinds[propagation.replace(/^r/, '') as keyof typeof kinds]
  if (kind !== MS_PRIVATE) refuseUnshared(opened.path, source, propagation)
  const fd = new Fd(cloneMount(opened.path, { recursive }))
  try {
    mountSetattr(fd.number, { propagation: kind }, { recursive: propagation.startsWith('r') })
    return fd
  } catch (error) {
    fd.close()
    throw error
  }
}

const kinds = { private: MS_PRIVATE, slave: MS_SLAVE, shared: MS_SHARED }

/** A mount that nothing comes to from elsewhere would be alone whatever is asked for, and nobody would know why. */
function refuseUnshared(path: string, source: string, propagation: MountPropagation): void {
  using fd = new Fd(syscall('openat', AT_FDCWD, path, O_PATH + O_CLOEXEC, 0))
  const id = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd.number}`, 'utf8'))?.[1]
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${String(id)} `))
  // proc_pid_mountinfo(5): optional fields stand before the dash
  const fields = line?.split(' - ')[0]?.split(' ').slice(6) ?? []
  const wanted = propagation.endsWith('slave') ? /^(shared|master):/ : /^shared:/
  if (fields.some((field) => wanted.test(field))) return
  throw new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `cannot mount ${source} with propagation ${propagation}: its mount on the host is not shared`,
  )
}
