import { useQuery } from '@tanstack/react-query'
import { Settings } from '../../../shared/settings.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Card } from '../../parts/card.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Page } from '../../parts/page.tsx'
import { useBridge } from '../../state/bridge-context.ts'
import { SettingRow, type SettingWords } from './setting-row.tsx'
import { StartAtLogin } from './start-at-login.tsx'

const groups: readonly (readonly [string, readonly SettingWords[]])[] = [
  [
    'This machine',
    [
      { key: 'port', label: 'Port', hint: 'Client apps call this port. Used after a restart of the bridge.' },
      {
        key: 'keyStore',
        label: 'Where the key of the tokens is kept',
        hint: 'Used after a restart of the bridge.',
        options: [
          ['auto', 'The keychain, where there is one'],
          ['keychain', 'The keychain'],
          ['passphrase', 'A passphrase of yours'],
          ['key-file', 'A file'],
        ],
      },
      { key: 'browser', label: 'Browser', hint: 'The command that opens it; empty for the usual one.' },
      {
        key: 'logLevel',
        label: 'Log',
        options: [
          ['error', 'Errors'],
          ['warn', 'Warnings'],
          ['info', 'What happens'],
          ['debug', 'Everything'],
        ],
      },
    ],
  ],
  [
    'Waiting',
    [
      { key: 'approvals.waitSeconds', label: 'A call waits for your approval', unit: 'seconds' },
      { key: 'stepUp.waitSeconds', label: 'A call waits for more access', unit: 'seconds' },
      { key: 'signIn.waitSeconds', label: 'A sign-in waits for the browser', unit: 'seconds' },
    ],
  ],
  [
    'The record of calls',
    [
      { key: 'activity.keepDays', label: 'Kept for', unit: 'days', hint: '0 records nothing.' },
      { key: 'activity.maxMegabytes', label: 'At most', unit: 'MB' },
    ],
  ],
  [
    'More',
    [
      { key: 'gateway.maxRequestBytes', label: 'Largest request', unit: 'bytes' },
      {
        key: 'registration.metadataUrl',
        label: 'Client metadata document',
        hint: 'The https address of a document of your own; empty for none.',
      },
    ],
  ],
]

/** What the person may set. Every change is saved at once. */
export function SettingsView() {
  const { bridge, desktop } = useBridge()
  const { data, error } = useQuery({
    queryKey: ['settings'],
    queryFn: () => bridge.settings.get({}),
    staleTime: 0,
  })
  return (
    <Page title="Settings">
      <p className="mt-1 text-soft">
        {data ? 'A change is saved when you leave its field.' : 'Reading the settings…'}
      </p>
      {error && (
        <div className="mt-5">
          <FailureNote failure={failureOf(error)} />
        </div>
      )}
      {desktop && <StartAtLogin desktop={desktop} />}
      {data &&
        groups.map(([title, rows]) => (
          <Card key={title} title={title}>
            <div className="divide-y divide-line">
              {rows.map((words) => (
                <SettingRow key={words.key} words={words} value={data[words.key]} usual={usual[words.key]} />
              ))}
            </div>
          </Card>
        ))}
    </Page>
  )
}

const usual = Settings.parse({})
