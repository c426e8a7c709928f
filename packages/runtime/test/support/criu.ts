import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../../node_modules/.cache/criu/bin', import.meta.url))

/** Makes the CRIU that `scripts/install-criu.mjs` has brought win over that of the host, if it was needed. */
export function preferInstalledCriu(): void {
  process.env['PATH'] = `${folder}:${process.env['PATH'] ?? ''}`
}
