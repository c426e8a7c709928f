import { readFileSync } from 'node:fs'

/** A virtual machine of Compute Engine, as entries name it. */
export interface GceInstance {
  readonly zone?: string | undefined
  readonly name?: string | undefined
  readonly id?: string | undefined
}

const answerMs = 5000

/** This machine, where it is one; what its metadata server does not tell is left out. */
export async function thisInstance(): Promise<GceInstance | undefined> {
  const host = process.env['GCE_METADATA_HOST'] ?? (isGce() ? '169.254.169.254' : undefined)
  if (host === undefined) return undefined
  const [zone, name, id] = await Promise.all(['zone', 'name', 'id'].map((key) => ask(host, key)))
  // projects/NUMBER/zones/NAME
  return { zone: zone?.split('/').at(-1), name, id }
}

async function ask(host: string, key: string): Promise<string | undefined> {
  try {
    const response = await fetch(`http://${host}/computeMetadata/v1/instance/${key}`, {
      headers: { 'Metadata-Flavor': 'Google' },
      signal: AbortSignal.timeout(answerMs),
    })
    return response.ok ? await response.text() : undefined
  } catch {
    return undefined
  }
}

/** Says so to whoever reads it, root or not. */
function isGce(): boolean {
  try {
    return /^Google( Compute Engine)?$/.test(readFileSync('/sys/class/dmi/id/product_name', 'latin1').trim())
  } catch {
    return false // a machine without such a table
  }
}
