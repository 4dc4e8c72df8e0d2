import { useEffect, useState } from 'react'
import { Button, type ButtonLook } from './button.tsx'

/** Copies a text, and says so for a moment. `text` may be asked for only when it is needed. */
export function CopyButton({
  text,
  children,
  look = 'plain',
}: {
  readonly text: string | (() => Promise<string>)
  readonly children: string
  readonly look?: ButtonLook
}) {
  const [said, setSaid] = useState<string>()
  useEffect(() => {
    if (said === undefined) return undefined
    const timer = setTimeout(() => setSaid(undefined), 1_600)
    return () => clearTimeout(timer)
  }, [said])
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : await text())
      setSaid('Copied')
    } catch {
      setSaid('Not copied')
    }
  }
  return (
    <Button look={look} onClick={() => void copy()}>
      <span className="grid">
        {/* Both words have their place, so that the button keeps its width. */}
        <span className={`col-start-1 row-start-1 ${said === undefined ? '' : 'invisible'}`}>{children}</span>
        <span role="status" className="col-start-1 row-start-1 text-center">
          {said}
        </span>
      </span>
    </Button>
  )
}
