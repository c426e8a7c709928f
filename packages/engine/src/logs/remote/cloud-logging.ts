import { thisInstance, type GceInstance } from './gce-machine.js'
import type { AuthClient, GoogleAuth } from 'google-auth-library'
import type { Transport } from './outbox.js'

/** Where entries go. */
export interface CloudLoggingTarget {
  /** Of the API. */
  readonly origin: string
  /** Default: that of the credentials, or of the machine. */
  readonly project: string | undefined
  /** Default: this machine, where it is one. */
  readonly instance: GceInstance | undefined
}

interface Session {
  readonly client: AuthClient
  /** What is before the entries of a request. */
  readonly requestHead: string
  /** What is before the rest of each entry. */
  readonly entryHead: string
}

const scopes = ['https://www.googleapis.com/auth/logging.write']
const answerMs = 30_000

/** An entry as a message, to which the transport adds what it knows of the machine. */
export function packEntry(fields: {
  readonly timestamp: string
  readonly insertId: string
  readonly jsonPayload: object
}): Buffer {
  const { jsonPayload, ...rest } = fields
  return Buffer.from(`${JSON.stringify(jsonPayload).slice(1)},${JSON.stringify(rest).slice(1)}`)
}

/** `entries:write` of Cloud Logging, with the application's default credentials. */
export class CloudLogging implements Transport {
  readonly #target: CloudLoggingTarget
  readonly #onError: (error: unknown) => void
  #session: Session | undefined

  constructor(target: CloudLoggingTarget, onError: (error: unknown) => void) {
    this.#target = target
    this.#onError = onError
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    const { client, requestHead, entryHead } = (this.#session ??= await this.#open())
    try {
      await client.request({
        url: `${this.#target.origin}/v2/entries:write`,
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: `${requestHead}${messages.map((message) => `${entryHead}${message.toString()}`).join(',')}]}`,
        timeout: answerMs,
        retry: false, // who calls tries again
      })
    } catch (error) {
      // it would be so at each further try
      if ((error as { readonly status?: unknown }).status !== 400) throw error
      this.#onError(new Error(`Google Cloud Logging refuses ${messages.length} lines`, { cause: error }))
    }
  }

  close(): void {
    this.#session = undefined
  }

  async #open(): Promise<Session> {
    const { GoogleAuth } = await import('google-auth-library')
    const { project: asked } = this.#target
    const auth = new GoogleAuth({ scopes, ...(asked !== undefined && { projectId: asked }) })
    // a key of a service account signs its tokens itself, without a way to the token server
    auth.useJWTAccessWithScope = true
    const client = await auth.getClient()
    const project = await projectOf(auth)
    const instance = this.#target.instance ?? (await thisInstance())
    const requestHead = JSON.stringify({
      logName: `projects/${project}/logs/gcplogs-docker-driver`,
      resource:
        instance === undefined
          ? { type: 'global', labels: { project_id: project } }
          : { type: 'gce_instance', labels: { instance_id: instance.id ?? '', zone: instance.zone ?? '' } },
      partialSuccess: true, // one entry that is refused does not take the others along
      entries: [],
    }).slice(0, -2)
    const entryHead = `{"jsonPayload":{${instance === undefined ? '' : `"instance":${JSON.stringify(instance)},`}`
    return { client, requestHead, entryHead }
  }
}

async function projectOf(auth: GoogleAuth): Promise<string> {
  try {
    return await auth.getProjectId()
  } catch (cause) {
    throw new Error(
      "cannot determine the project for gcplogs: there must be gcp-project, a project of the credentials, or Google's metadata server",
      { cause },
    )
  }
}
