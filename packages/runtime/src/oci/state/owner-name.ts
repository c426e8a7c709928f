import { readFileSync } from 'node:fs'
import { passwdEntries } from '../../user/account-files.js'

/** Name of a user of the host, from passwd(5); `#UID` for one that it does not know. */
export function ownerName(uid: number): string {
  let text: string
  try {
    text = readFileSync('/etc/passwd', 'utf8')
  } catch {
    return `#${uid}` // a host without users
  }
  for (const entry of passwdEntries(text)) if (entry.uid === uid) return entry.name
  return `#${uid}`
}
