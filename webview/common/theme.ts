/** Colours and font of the editor, for what CSS cannot reach: the canvas. */
export interface Theme {
  readonly highContrast: boolean;
  readonly foreground: string;
  readonly description: string;
  readonly background: string;
  /** Grid and axes. */
  readonly lines: string;
  readonly border: string;
  /** Told apart by hue first; dashes and shapes say the same again. */
  readonly series: readonly string[];
  readonly warning: string;
  readonly failed: string;
  readonly fontFamily: string;
  readonly fontPixels: number;
}

/** By distance between neighbours for the common kinds of colour blindness: blue and orange first. */
const seriesVariables = ['blue', 'orange', 'purple', 'green', 'yellow', 'red'];

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const variable = (...names: readonly string[]): string => {
    for (const name of names) {
      const value = style.getPropertyValue(`--vscode-${name}`).trim();
      if (value !== '') return value;
    }
    return getComputedStyle(document.body).color;
  };
  const classes = document.body.classList;
  const highContrast =
    classes.contains('vscode-high-contrast') || classes.contains('vscode-high-contrast-light');
  return {
    highContrast,
    foreground: variable('charts-foreground', 'foreground'),
    description: variable('descriptionForeground', 'foreground'),
    background: variable('editor-background'),
    lines: highContrast
      ? variable('contrastBorder', 'foreground')
      : variable('charts-lines', 'widget-border'),
    border: variable('contrastBorder', 'widget-border', 'foreground'),
    series: seriesVariables.map((name) => variable(`charts-${name}`)),
    warning: variable('editorWarning-foreground', 'charts-yellow'),
    failed: variable('testing-iconFailed', 'charts-red'),
    fontFamily: variable('font-family'),
    fontPixels: Math.max(11, (Number.parseFloat(variable('font-size')) || 13) - 1),
  };
}

/** VS Code writes a new theme into the classes of the body and the style of the root. */
export function observeTheme(changed: (theme: Theme) => void): void {
  const observer = new MutationObserver(() => changed(readTheme()));
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
}
