// Controls: React Aria's behaviour in the console's dress.
import { useId, type ReactNode } from "react";
import {
  Button as AriaButton, Checkbox, FieldError, Input, Label, ProgressBar, TextArea as AriaTextArea, TextField as AriaTextField,
  type ButtonProps as AriaButtonProps,
} from "react-aria-components";
import { Link } from "react-router";

export type ButtonKind = "plain" | "main" | "danger" | "danger-main" | "quiet";

export function Button({ kind = "plain", ...rest }: AriaButtonProps & { kind?: ButtonKind }) {
  return <AriaButton {...rest} className={`button button-${kind}`} />;
}

export function LinkButton(props: { to: string; kind?: ButtonKind; children: ReactNode }) {
  return <Link className={`button button-${props.kind ?? "plain"}`} to={props.to}>{props.children}</Link>;
}

interface TextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: ReactNode;
  problem?: string | undefined;
  required?: boolean;
  type?: "text" | "password" | "search";
  max?: number;
  lines?: boolean;
  code?: boolean;
  autoFocus?: boolean;
  complete?: string;
  numeric?: boolean;
  className?: string;
}

export function TextField(props: TextProps) {
  return (
    <AriaTextField
      className={`field ${props.className ?? ""}`} value={props.value} onChange={props.onChange} type={props.type ?? "text"}
      isRequired={props.required ?? false} isInvalid={props.problem !== undefined} validationBehavior="aria"
      {...(props.max ? { maxLength: props.max } : {})} {...(props.autoFocus ? { autoFocus: true } : {})}
      autoComplete={props.complete ?? "off"} {...(props.numeric ? { inputMode: "numeric" as const } : {})}
    >
      <Label>{props.label}</Label>
      {props.lines ? <AriaTextArea /> : <Input className={props.code ? "mono" : ""} />}
      {props.hint && <span className="small soft" slot="description">{props.hint}</span>}
      <FieldError className="field-error">{props.problem}</FieldError>
    </AriaTextField>
  );
}

// The browser's own select: the keyboard, screen readers and phones know it best.
export function Select<T extends string>(props: {
  label: string; value: T; onChange: (value: T) => void; options: readonly (readonly [T, string])[]; hint?: string;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <select id={id} className="select" value={props.value} onChange={(event) => props.onChange(event.target.value as T)}>
        {props.options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
      {props.hint && <span className="small soft">{props.hint}</span>}
    </div>
  );
}

export function Check(props: { label: ReactNode; value: boolean; onChange: (value: boolean) => void; disabled?: boolean; name?: string }) {
  return (
    <Checkbox className="check" isSelected={props.value} onChange={props.onChange} isDisabled={props.disabled ?? false}
      {...(props.name ? { "aria-label": props.name } : {})}>
      {({ isSelected }) => (
        <>
          <span className="check-box" aria-hidden="true">
            {isSelected && <svg viewBox="0 0 12 12" width="12" height="12"><path d="M2 6.5l2.7 2.7L10 3.6" fill="none" stroke="currentColor" strokeWidth="2" /></svg>}
          </span>
          <span>{props.label}</span>
        </>
      )}
    </Checkbox>
  );
}

export function Progress(props: { label: string; done: number; of: number }) {
  const part = props.of > 0 ? Math.min(100, (100 * props.done) / props.of) : 0;
  return (
    <ProgressBar className="progress" value={part} aria-label={props.label} isIndeterminate={props.of === 0}>
      <span className="small">{props.label}</span>
      <div className="progress-track"><div style={{ width: `${part}%` }} /></div>
    </ProgressBar>
  );
}
