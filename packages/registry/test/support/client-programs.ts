import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Finds what scripts/install-registry-clients.mjs has brought, where the host has none. */
export function useInstalledClients(): void {
  const installed = fileURLToPath(
    new URL('../../../../node_modules/.cache/registry-clients/usr/bin', import.meta.url),
  )
  process.env['PATH'] = `${process.env['PATH'] ?? ''}:${installed}`
}

/** Runs programs that keep what they remember, their credentials too, in a folder of their own, and work there. */
export function programsIn(folder: string): (program: string, ...words: string[]) => Promise<string> {
  const env = { ...process.env, HOME: folder, DOCKER_CONFIG: folder }
  writeFileSync(join(folder, 'config.json'), '{}')
  return async (program, ...words) => {
    const { stdout } = await run(program, words, { encoding: 'utf8', cwd: folder, env })
    return stdout.trim()
  }
}
