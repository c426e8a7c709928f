/** Keys that requests are signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

const answerMs = 5000

/**
 * Credentials of a container of ECS, as the agent on this machine serves them.
 *
 * @param path - That the agent has told.
 * @param origin - Of the agent.
 */
export async function containerCredentials(
  path: string,
  origin = 'http://169.254.170.2',
): Promise<AwsCredentials> {
  const answer = (await (await ask(new URL(path, origin))).json()) as Readonly<
    Record<string, string | undefined>
  >
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = answer
  if (AccessKeyId === undefined || SecretAccessKey === undefined)
    throw new Error(`cannot read credentials of ${origin}: AccessKeyId and SecretAccessKey must be there`)
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(Token !== undefined && { sessionToken: Token }),
    ...(Expiration !== undefined && { expiration: new Date(Expiration) }),
  }
}

/** The region of this machine, where it is one of EC2, by version 2 of its metadata service. */
export async function regionOfInstance(
  origin = process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? 'http://169.254.169.254',
): Promise<string> {
  try {
    const lifetime = { 'X-aws-ec2-metadata-token-ttl-seconds': '60' }
    const token = await ask(new URL('/latest/api/token', origin), { method: 'PUT', headers: lifetime })
    const headers = { 'X-aws-ec2-metadata-token': await token.text() }
    return await (await ask(new URL('/latest/meta-data/placement/region', origin), { headers })).text()
  } catch (cause) {
    throw new Error(
      'cannot determine the region for awslogs: there must be awslogs-region, AWS_REGION, or a machine of EC2',
      { cause },
    )
  }
}

async function ask(url: URL, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(answerMs) })
  if (!response.ok) throw new Error(`${url.href} answers ${response.status}`)
  return response
}
