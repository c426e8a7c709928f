import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

const tail = 256 * 1024
const most = 10

/**
 * What CRIU's log says about a failure: where it is, and the last lines that tell of an error.
 *
 * @param folder - Folder of the log.
 * @param known - What is known of the failure, for where the log says nothing.
 */
export function describeLog(folder: string, name: string, known = 'no error'): string {
  const path = join(folder, name)
  let text: string
  try {
    text = readEnd(path)
  } catch {
    return `${known}; CRIU wrote no ${path}`
  }
  const lines = text.split('\n').filter((line) => line.includes('Error'))
  if (lines.length === 0) return `${known}; see ${path}`
  return [`see ${path}:`, ...lines.slice(-most)].join('\n  ')
}

/** The last part of a file: a log of all details can be large. */
function readEnd(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const start = Math.max(0, fstatSync(fd).size - tail)
    const buffer = Buffer.alloc(tail)
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, tail, start))
  } finally {
    closeSync(fd)
  }
}
