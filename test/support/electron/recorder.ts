/** A line of the tray's menu as it is shown: its label, in brackets where it cannot be clicked, or a menu below it. */
type ShownLine = string | { readonly label: string; readonly lines: readonly ShownLine[] }

/** What a recorder's answer is when it has come. */
export type Answer<Name extends keyof Recorder> = Awaited<ReturnType<Recorder[Name]>>

/** What recorder.cjs notes and does. */
export interface Recorder {
  tooltip(): string
  menu(): readonly ShownLine[]
  /** Every image that the tray was given, as data URLs. */
  icons(): readonly string[]
  /** Clicks a line; labels lead to it, and of a connection's its id is enough. */
  click(path: readonly string[]): void
  /** The button that the next dialog is answered with; without it a dialog is cancelled. */
  answerNext(button: string): void
  questions(): readonly { message: string; detail: string; buttons: readonly string[] }[]
  /** What went to the person's browser. */
  opened(): readonly string[]
  copied(): Promise<string>
  isWindowVisible(): boolean
  /** What a click on the window's cross does. */
  closeWindow(): void
  /** Hands the app a port as if it came from there, and gives what became of it. */
  offerPort(
    from: 'the page' | 'a frame in the page' | 'a frame that is gone' | 'another window',
  ): 'taken' | 'closed' | 'ignored'
  notifications(): readonly { title: string; body: string; isOpen: boolean }[]
  clickNotification(title: string): void
}
