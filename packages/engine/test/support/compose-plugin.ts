import { mkdirSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where scripts/install-compose.mjs has it. */
const plugins = fileURLToPath(new URL('../../../../node_modules/.cache/docker-compose', import.meta.url))

/** Puts Docker Compose on the PATH, where suites look whether it is there. */
export function findCompose(): void {
  process.env['PATH'] = `${process.env['PATH'] ?? ''}:${plugins}`
}

/** Lets the docker CLI of a suite have `docker compose`. */
export function installCompose(socket: string): void {
  mkdirSync(`${socket}.config/cli-plugins`, { recursive: true })
  symlinkSync(`${plugins}/docker-compose`, `${socket}.config/cli-plugins/docker-compose`)
}
