import type { DaemonClient } from './daemon-client.js'

/** Whether a daemon's newest API is this one of version 1, or a later one. */
export async function speaks(client: DaemonClient, minor: number): Promise<boolean> {
  const { ApiVersion } = await client.json<{ readonly ApiVersion?: string }>('GET', '/version')
  return Number(/^1\.(\d+)$/.exec(ApiVersion ?? '')?.[1] ?? 0) >= minor
}
