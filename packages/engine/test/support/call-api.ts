import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** What an engine has answered. */
export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

/** What it is asked. */
export type Asked = [method: string, path: string, body?: string, headers?: Readonly<Record<string, string>>]

/** Asks an engine at a socket, by a connection of its own, with a body of JSON. */
export async function callApi(
  socketPath: string,
  ...[method, path, body, headers = {}]: Asked
): Promise<Answer> {
  const type = { 'Content-Type': 'application/json' }
  return await new Promise<Answer>((resolve, reject) => {
    const options = { socketPath, method, path, agent: false, headers: { ...type, ...headers } }
    const sent = request(options, (response) => {
      text(response).then(
        (all) => resolve({ status: response.statusCode!, headers: response.headers, body: all }),
        reject,
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
