import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CriuInheritFd } from './criu-messages.js'

const file = 'descriptors.json'

/**
 * What the standard streams of a process are, as `/proc/PID/fd` names it: `pipe:[123]`, `/dev/null`. Streams that
 * are closed are `''`.
 */
export function readDescriptors(pid: number): string[] {
  return [0, 1, 2].map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  })
}

/** Keeps the names of a container's streams with its images. */
export function saveDescriptors(imagePath: string, descriptors: readonly string[]): void {
  writeFileSync(join(imagePath, file), JSON.stringify(descriptors), { mode: 0o600 })
}

/** Pipes of the streams in the images, which CRIU is to replace by its own streams. */
export function inheritStreams(imagePath: string): CriuInheritFd[] {
  const names: unknown = JSON.parse(readFileSync(join(imagePath, file), 'utf8'))
  if (!Array.isArray(names)) return []
  return names
    .slice(0, 3)
    .flatMap((key: unknown, fd) => (typeof key === 'string' && key.startsWith('pipe:') ? [{ key, fd }] : []))
}
