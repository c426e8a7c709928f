import { open, rename, rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { untilInterrupted } from '../attach/until-interrupted.js'
import type { Backend } from '../backend/backend.js'
import type { Cli } from '../cli.js'
import { CliError } from '../errors.js'

/** What is written, for a person, and where to. */
export interface ArchiveTarget {
  /** The command: `save`. */
  readonly what: string
  /** Default: standard output, unless that is a terminal. */
  readonly output?: string | undefined
}

/** Writes an archive to a file or to standard output, until a signal interrupts it. */
export async function writeArchive(
  cli: Cli,
  { what, output }: ArchiveTarget,
  make: (backend: Backend, signal: AbortSignal) => Promise<Readable>,
): Promise<void> {
  if (output === undefined && process.stdout.isTTY) {
    throw new CliError(
      'ERR_CLI_TERMINAL',
      `cannot ${what} to a terminal: use the -o flag or redirect the output`,
    )
  }
  await untilInterrupted(cli, async (signal) => {
    await using backend = await cli.backend()
    const archive = await make(backend, signal)
    if (output === undefined) await pipeline(archive, process.stdout, { end: false })
    else await writeWhole(output, archive)
  })
}

/** Half an archive never has the name; a device or a pipe is written to as it is. */
async function writeWhole(path: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const target = await open(path, 'a')
  const isFile = (await target.stat()).isFile()
  if (!isFile) {
    await pipeline(archive, target.createWriteStream())
    return
  }
  await target.close()
  const temporary = `${path}.${process.pid}.part`
  try {
    const file = await open(temporary, 'wx', 0o600)
    await pipeline(archive, file.createWriteStream())
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
