import { existsSync, writeFileSync } from 'node:fs'
import { CliError, messageOf } from '../errors.js'

/** Refuses a `--cidfile` that is there: it may name a container that runs. */
export function checkCidFile(path: string | undefined): void {
  if (path === undefined || !existsSync(path)) return
  throw new CliError(
    'ERR_CLI_USAGE',
    `cannot write the container id to ${path}: the file is there; make sure that the other container is not running, or remove it`,
    { exitCode: 125 },
  )
}

/** Writes it, and nobody else's. */
export function writeCidFile(path: string | undefined, id: string): void {
  if (path === undefined) return
  try {
    writeFileSync(path, id, { flag: 'wx' })
  } catch (cause) {
    throw new CliError('ERR_CLI_USAGE', `cannot write the container id: ${messageOf(cause)}`, { cause })
  }
}
